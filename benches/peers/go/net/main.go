// The workloads of src/bin/net, for Go. One measurement a run:
//
//	go run ./net/main.go --only echo-64 --secs 1 --procs 2
//
// With --server it is only the server, of src/bin/net/from_outside.rs.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	size  = 64
	limit = time.Minute
	// A request that begins with this is answered after so much computing.
	compute  = 1
	computes = 5 * time.Millisecond
	// One that begins with this is answered at once.
	atOnce = 7
)

type workload struct {
	kind       string
	busy, idle int
}

var workloads = map[string]workload{
	"echo-one":    {"echo", 1, 0},
	"echo-64":     {"echo", 64, 0},
	"echo-1000":   {"echo", 1000, 0},
	"echo-9000":   {"echo", 9000, 0},
	"idle-1000":   {"echo", 64, 1000},
	"deadline-64": {"deadline", 64, 0},
	"unix-64":     {"unix", 64, 0},
	"udp-one":     {"udp", 1, 0},
	"connect":     {"connect", 16, 0},
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func serve(c net.Conn, deadline bool) {
	defer c.Close()
	var buf [size]byte
	for {
		if deadline {
			c.SetReadDeadline(time.Now().Add(limit))
		}
		n, err := c.Read(buf[:])
		if err != nil {
			return
		}
		if buf[0] == compute {
			for begin := time.Now(); time.Since(begin) < computes; {
			}
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// Until when the answers count. Clients that are there before it is known ask, and do not count.
var end atomic.Pointer[time.Time]

// From now on the answers count.
func begin(span time.Duration) time.Time {
	now := time.Now()
	then := now.Add(span)
	end.Store(&then)
	return now
}

type clock struct {
	last  time.Time
	times []uint32
}

func newClock() *clock {
	return &clock{last: time.Now()}
}

func (c *clock) tick() bool {
	now := time.Now()
	end := end.Load()
	if end == nil {
		c.last = now
		return true
	}
	c.times = append(c.times, uint32(min(now.Sub(c.last), 1<<32-1)))
	c.last = now
	return now.Before(*end)
}

func ask(c net.Conn, deadline bool) []uint32 {
	var request, answer [size]byte
	for i := range request {
		request[i] = atOnce
	}
	clock := newClock()
	for {
		_, err := c.Write(request[:])
		check(err)
		if deadline {
			c.SetReadDeadline(time.Now().Add(limit))
		}
		_, err = io.ReadFull(c, answer[:])
		check(err)
		if answer != request {
			panic("another answer")
		}
		if !clock.tick() {
			return clock.times
		}
	}
}

func tcp(count int, deadline bool) []net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	var all sync.WaitGroup
	all.Go(func() {
		for range count {
			c, err := l.Accept()
			check(err)
			go serve(c, deadline)
		}
	})
	conns := make([]net.Conn, count)
	for i := range conns {
		conns[i], err = net.Dial("tcp", l.Addr().String())
		check(err)
	}
	all.Wait()
	l.Close()
	return conns
}

// For clients of another process, until that ends.
func serveAll() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		c, err := l.Accept()
		check(err)
		go serve(c, false)
	}
}

func unix(count int) []net.Conn {
	end := func(fd int) net.Conn {
		f := os.NewFile(uintptr(fd), "pair")
		c, err := net.FileConn(f)
		check(err)
		f.Close()
		return c
	}
	conns := make([]net.Conn, count)
	for i := range conns {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		check(err)
		go serve(end(pair[0]), false)
		conns[i] = end(pair[1])
	}
	return conns
}

// Clients that have begun.
var running atomic.Int32

func together(count int, f func(i int) []uint32) [][]uint32 {
	times := make([][]uint32, count)
	var all sync.WaitGroup
	for i := range times {
		all.Go(func() {
			running.Add(1)
			times[i] = f(i)
		})
	}
	all.Wait()
	return times
}

func udp() []uint32 {
	bind := func() *net.UDPConn {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		check(err)
		return c
	}
	// Go has no connect for a socket that is bound: dial from the ports of two that were.
	a, b := bind(), bind()
	near, far := a.LocalAddr().(*net.UDPAddr), b.LocalAddr().(*net.UDPAddr)
	a.Close()
	b.Close()
	client, err := net.DialUDP("udp", near, far)
	check(err)
	server, err := net.DialUDP("udp", far, near)
	check(err)
	go serve(server, false)
	return together(1, func(int) []uint32 { return ask(client, false) })[0]
}

func connect(count int) [][]uint32 {
	pid := os.Getpid()
	here := net.IPv4(127, byte(1+pid>>8&255%100), byte(pid), 1)
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: here})
	check(err)
	var over atomic.Bool
	var server sync.WaitGroup
	server.Go(func() {
		for !over.Load() {
			c, err := l.Accept()
			check(err)
			go serve(c, false)
		}
	})
	to := l.Addr().String()
	times := together(count, func(int) []uint32 {
		clock := newClock()
		for {
			c, err := net.Dial("tcp", to)
			check(err)
			_, err = c.Write([]byte{atOnce})
			check(err)
			_, err = io.ReadFull(c, make([]byte, 1))
			check(err)
			c.Close()
			if !clock.tick() {
				return clock.times
			}
		}
	})
	over.Store(true)
	if c, err := net.Dial("tcp", to); err == nil {
		c.Close()
	}
	server.Wait()
	return times
}

func resident() float64 {
	text, err := os.ReadFile("/proc/self/status")
	check(err)
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	check(err)
	return float64(kib) * 1024
}

func threads() int {
	tasks, err := os.ReadDir("/proc/self/task")
	check(err)
	return len(tasks)
}

// CPU time of this process, in nanoseconds.
func cpu() float64 {
	var now syscall.Timespec
	const processCPU = 2
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, processCPU, uintptr(unsafe.Pointer(&now)), 0)
	return float64(now.Nano())
}

func main() {
	name := flag.String("only", "", "workload")
	secs := flag.Float64("secs", 1, "seconds")
	procs := flag.Int("procs", 2, "GOMAXPROCS")
	server := flag.Bool("server", false, "only the server")
	flag.Parse()
	if *server {
		runtime.GOMAXPROCS(*procs)
		serveAll()
	}
	w, found := workloads[*name]
	if !found {
		fmt.Fprintln(os.Stderr, "no such workload")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(*procs)
	span := time.Duration(*secs * float64(time.Second))
	before := resident()
	var conns, idle []net.Conn
	switch w.kind {
	case "echo", "deadline":
		idle = tcp(w.idle, false)
		conns = tcp(w.busy, w.kind == "deadline")
	case "unix":
		conns = unix(w.busy)
	}
	var all [][]uint32
	var done sync.WaitGroup
	switch w.kind {
	case "udp":
		done.Go(func() { all = [][]uint32{udp()} })
	case "connect":
		done.Go(func() { all = connect(w.busy) })
	default:
		done.Go(func() {
			all = together(len(conns), func(i int) []uint32 { return ask(conns[i], w.kind == "deadline") })
		})
	}
	for running.Load() < int32(len(conns)) {
		time.Sleep(time.Millisecond)
	}
	used, began := cpu(), begin(span)
	done.Wait()
	took := time.Since(began)
	used = cpu() - used
	least, total := len(all[0]), 0
	var times []uint32
	bytes := (resident() - before) / float64(w.busy+w.idle)
	for _, t := range all {
		least, total = min(least, len(t)), total+len(t)
		times = append(times, t...)
	}
	slices.Sort(times)
	at := func(percent int) uint32 { return times[len(times)*percent/100] }
	slowest := float64(least) * float64(len(all)) / float64(total)
	fmt.Println(float64(total)/took.Seconds(), at(50), at(99), slowest, bytes, threads(), used/float64(total), times[len(times)-1])
	runtime.KeepAlive(idle)
}
