// The workloads of benches/workloads, for Go: same ids, same operations. One measurement a run:
//
//	go run main.go --work spawn/join --on p1 --n 100000
//
// prints nanoseconds per operation. What Go does not have is done the way a Go programmer does
// it: a join is a receive from a channel of the task's own, a turn is handed over by channels.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

var works = map[string]func(n int) time.Duration{
	"spawn/join":         spawnJoin,
	"spawn/wait":         spawnWait,
	"spawn/burst":        spawnBurst,
	"spawn/fib":          spawnFib,
	"yield/1000":         yieldCrowd,
	"yield/alone":        yieldAlone,
	"park/ping_pong":     pingPong,
	"park/ping_pong_100": pingPong100,
	"mutex/uncontended":  mutexUncontended,
	"mutex/contended":    func(n int) time.Duration { return mutexTasks(n, func() {}) },
	"mutex/hand_over":    func(n int) time.Duration { return mutexTasks(n, runtime.Gosched) },
	"steal/balance":      stealBalance,
	"stack/recycle":      stackRecycle,
	"stack/new":          stackNew,
}

func main() {
	id := flag.String("work", "", "workload")
	on := flag.String("on", "p1", "p1, p2")
	n := flag.Int("n", 100000, "operations")
	flag.Parse()
	procs, err := strconv.Atoi(strings.TrimPrefix(*on, "p"))
	work := works[*id]
	if err != nil || work == nil {
		fmt.Fprintln(os.Stderr, "usage: --work ID --on pN --n N")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(procs)
	fmt.Println(float64(work(*n).Nanoseconds()) / float64(*n))
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func scaled(took time.Duration, did, n int) time.Duration {
	return time.Duration(float64(took) * float64(n) / float64(did))
}

func spawnJoin(n int) time.Duration {
	handles := make([]chan struct{}, 1000)
	return timed(func() {
		for start := 0; start < n; start += 1000 {
			batch := handles[:min(1000, n-start)]
			for i := range batch {
				batch[i] = make(chan struct{}, 1)
				go func() { handles[i] <- struct{}{} }()
			}
			for _, handle := range batch {
				<-handle
			}
		}
	})
}

func spawnWait(n int) time.Duration {
	return timed(func() {
		for start := 0; start < n; start += 1000 {
			batch := min(1000, n-start)
			var wg sync.WaitGroup
			wg.Add(batch)
			for range batch {
				go func() { wg.Done() }()
			}
			wg.Wait()
		}
	})
}

func spawnBurst(n int) time.Duration {
	return timed(func() {
		var wg sync.WaitGroup
		wg.Add(n)
		for range n {
			go func() { wg.Done() }()
		}
		wg.Wait()
	})
}

func fib(k int) int {
	if k < 2 {
		return 1
	}
	left := make(chan int, 1)
	go func() { left <- fib(k - 1) }()
	return fib(k-2) + <-left
}

func spawnFib(n int) time.Duration {
	k, leaves, next := 2, 2, 3
	for next-1 <= n {
		k, leaves, next = k+1, next, leaves+next
	}
	return scaled(timed(func() { fib(k) }), leaves-1, n)
}

func yields(n int) {
	for range n {
		runtime.Gosched()
	}
}

func yieldCrowd(n int) time.Duration {
	each := (n + 999) / 1000
	took := timed(func() {
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { yields(each) })
		}
		wg.Wait()
	})
	return scaled(took, each*1000, n)
}

func yieldAlone(n int) time.Duration {
	return timed(func() { yields(n) })
}

func pair(turns int) {
	ping, pong, end := make(chan bool), make(chan bool), make(chan bool)
	rounds := (turns + 1) / 2
	go func() {
		for range rounds {
			<-ping
			pong <- true
		}
		close(end)
	}()
	for range rounds {
		ping <- true
		<-pong
	}
	<-end
}

func pingPong(n int) time.Duration {
	return timed(func() { pair(n) })
}

func pingPong100(n int) time.Duration {
	return timed(func() {
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { pair((n + 99) / 100) })
		}
		wg.Wait()
	})
}

type counter struct {
	sync.Mutex
	n int
}

//go:noinline
func (c *counter) add() {
	c.Lock()
	c.n++
	c.Unlock()
}

func mutexUncontended(n int) time.Duration {
	var c counter
	return timed(func() {
		for range n {
			c.add()
		}
	})
}

func mutexTasks(n int, inside func()) time.Duration {
	var c counter
	took := timed(func() {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range (n + 7) / 8 {
					c.Lock()
					c.n++
					inside()
					c.Unlock()
				}
			})
		}
		wg.Wait()
	})
	return scaled(took, c.n, n)
}

var one, sink uint64 = 1, 0

func stealBalance(n int) time.Duration {
	return timed(func() {
		var wg sync.WaitGroup
		wg.Add(n)
		for range n {
			go func() {
				x := one
				for range 500 {
					x ^= x << 13
					x ^= x >> 7
					x ^= x << 17
				}
				if x == 0 {
					sink = x
				}
				wg.Done()
			}()
		}
		wg.Wait()
	})
}

func stackRecycle(n int) time.Duration {
	return timed(func() {
		for range n {
			var wg sync.WaitGroup
			wg.Add(1)
			go func() { wg.Done() }()
			wg.Wait()
		}
	})
}

func stackNew(n int) time.Duration {
	var arrived, door, left sync.WaitGroup
	door.Add(1)
	took := timed(func() {
		arrived.Add(n)
		for range n {
			go func() {
				arrived.Done()
				door.Wait()
				left.Done()
			}()
		}
		arrived.Wait()
	})
	left.Add(n)
	door.Done()
	left.Wait()
	return took
}
