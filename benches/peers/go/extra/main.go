// What benches/peers measures beyond benches/workloads (see src/fair.rs there), for Go. One
// measurement a run:
//
//	go run ./extra --work fair/hogs --on p1 --n 20
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const millisecond = time.Millisecond

var works = map[string]func(procs, n int) float64{
	"fair/hogs":        func(procs, n int) float64 { return beside(2*procs, n, hog) },
	"fair/blocking":    func(procs, n int) float64 { return beside(2*procs, n, blocker) },
	"gap/undeclared":   func(_, n int) float64 { return gap(n, nap) },
	"gap/declared":     func(_, n int) float64 { return gap(n, nap) },
	"sleep/accuracy":   func(_, n int) float64 { return accuracy(n) },
	"steal/unbalanced": unbalanced,
	"memory/parked":    func(_, n int) float64 { return parked(n) },
}

func main() {
	id := flag.String("work", "", "workload")
	on := flag.String("on", "p1", "p1, p2")
	n := flag.Int("n", 20, "operations")
	flag.Parse()
	procs, err := strconv.Atoi(strings.TrimPrefix(*on, "p"))
	work := works[*id]
	if err != nil || work == nil {
		fmt.Fprintln(os.Stderr, "usage: --work ID --on pN --n N")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(procs)
	fmt.Println(work(procs, *n))
}

func check(ok bool) {
	if !ok {
		panic("wrong result")
	}
}

var (
	over atomic.Bool
	one  uint64 = 1
	sink atomic.Uint64
)

func step(x uint64) uint64 {
	x ^= x << 13
	x ^= x >> 7
	return x ^ x<<17
}

func work() {
	x := one
	for range 500 {
		x = step(x)
	}
	if x == 0 {
		sink.Store(x)
	}
}

func hog() {
	x := one
	for !over.Load() {
		x = step(x)
	}
	sink.Store(x)
}

func blocker() {
	for !over.Load() {
		time := syscall.NsecToTimespec(int64(5 * millisecond))
		syscall.Nanosleep(&time, nil)
	}
}

func sleeps(n int) float64 {
	sum := 0.0
	for range n {
		began := time.Now()
		time.Sleep(millisecond)
		took := time.Since(began)
		check(took >= millisecond)
		sum += float64(took - millisecond)
	}
	return sum / float64(n)
}

func beside(others, n int, other func()) float64 {
	var all sync.WaitGroup
	for range others {
		all.Go(other)
	}
	mean := make(chan float64)
	go func() {
		late := sleeps(n)
		over.Store(true)
		mean <- late
	}()
	late := <-mean
	all.Wait()
	return late
}

func nap() {
	time := syscall.NsecToTimespec(int64(200 * millisecond))
	syscall.Nanosleep(&time, nil)
}

func gap(n int, block func()) float64 {
	done := make(chan bool)
	longest := make(chan time.Duration)
	go func() {
		ticks := time.NewTicker(millisecond)
		last, most := time.Now(), time.Duration(0)
		for {
			select {
			case <-ticks.C:
				now := time.Now()
				most, last = max(most, now.Sub(last)), now
			case <-done:
				longest <- most
				return
			}
		}
	}()
	time.Sleep(20 * millisecond)
	for range n {
		block()
		time.Sleep(5 * millisecond)
	}
	close(done)
	return float64((<-longest).Microseconds())
}

func accuracy(n int) float64 {
	means := make(chan float64)
	for range 100 {
		go func() { means <- sleeps(n) }()
	}
	sum := 0.0
	for range 100 {
		sum += <-means
	}
	return sum / 100
}

func unbalanced(procs, n int) float64 {
	began := time.Now()
	for range n {
		work()
	}
	ideal := time.Since(began) / time.Duration(procs)
	var all sync.WaitGroup
	var count atomic.Int64
	began = time.Now()
	for range n {
		all.Go(func() {
			work()
			count.Add(1)
		})
	}
	all.Wait()
	took := time.Since(began)
	check(count.Load() == int64(n))
	return float64(took) / float64(ideal)
}

func resident() float64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, _ := strconv.Atoi(strings.Fields(rest)[0])
	return float64(kib) * 1024
}

func parked(n int) float64 {
	var all sync.WaitGroup
	var door sync.Mutex
	var arrived atomic.Int64
	door.Lock()
	before := resident()
	for range n {
		all.Go(func() {
			arrived.Add(1)
			door.Lock()
			door.Unlock()
		})
	}
	for arrived.Load() < int64(n) {
		time.Sleep(millisecond)
	}
	bytes := (resident() - before) / float64(n)
	door.Unlock()
	all.Wait()
	return bytes
}
