module gosched/conformance

go 1.27
