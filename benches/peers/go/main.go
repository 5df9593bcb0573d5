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
	"yield/pair":         yieldPair,
	"park/ping_pong":     pingPong,
	"park/ping_pong_100": pingPong100,
	"mutex/uncontended":  mutexUncontended,
	"mutex/contended":    func(n int) time.Duration { return mutexTasks(n, func() {}) },
	"mutex/hand_over":    func(n int) time.Duration { return mutexTasks(n, runtime.Gosched) },
	"steal/balance":      stealBalance,
	"stack/recycle":      stackRecycle,
	"stack/new":          stackNew,

	"chan/ping_pong":      pingPong,
	"chan/ping_pong_100":  pingPong100,
	"chan/spsc_128":       func(n int) time.Duration { return transfer(n, 1, 128) },
	"chan/spsc_unbounded": func(n int) time.Duration { return transfer(n, 1, n) },
	"chan/mpmc_128":       func(n int) time.Duration { return transfer(n, 4, 128) },
	"chan/mpmc_unbounded": func(n int) time.Duration { return transfer(n, 4, n) },
	"chan/select_4":       selectOf4,
	"net/sieve":           sieve,
	"net/daisy":           daisy,
	"net/skynet":          skynet,
	"sleep/crowd":         sleepers,
	"rwlock/read_mostly":  func(n int) time.Duration { return readAndWrite(n, 100) },
	"rwlock/rare_writes":  func(n int) time.Duration { return readAndWrite(n, 1000) },
	"wake/all":            wakeAll,
	"wait/8":              roundsOf8,
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

func yieldPair(n int) time.Duration {
	each := (n + 1) / 2
	return timed(func() {
		var wg sync.WaitGroup
		wg.Go(func() { yields(each) })
		yields(each)
		wg.Wait()
	})
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

func check(ok bool) {
	if !ok {
		panic("wrong result")
	}
}

func transfer(n, tasks, room int) time.Duration {
	return timed(func() {
		to := make(chan int, room)
		sums := make(chan int, tasks)
		var senders sync.WaitGroup
		for first := range tasks {
			senders.Go(func() {
				for i := first; i < n; i += tasks {
					to <- i
				}
			})
		}
		for range tasks {
			go func() {
				sum := 0
				for i := range to {
					sum += i
				}
				sums <- sum
			}()
		}
		senders.Wait()
		close(to)
		sum := 0
		for range tasks {
			sum += <-sums
		}
		check(sum == n*(n-1)/2)
	})
}

func selectOf4(n int) time.Duration {
	return timed(func() {
		source := func() chan int {
			to := make(chan int, 16)
			go func() {
				for i := range (n + 3) / 4 {
					to <- i
				}
			}()
			return to
		}
		a, b, c, d := source(), source(), source(), source()
		for range n - n%4 {
			select {
			case <-a:
			case <-b:
			case <-c:
			case <-d:
			}
		}
	})
}

func filter(prime uint32, from, to chan uint32) {
	for {
		if i := <-from; i%prime != 0 {
			to <- i
		}
	}
}

func sieve(n int) time.Duration {
	var primes []uint32
	hops := 0
	for i := uint32(2); hops < n || !isLast(primes, i-1); i++ {
		at := 0
		for at < len(primes) && i%primes[at] != 0 {
			at++
		}
		hops += 1 + at
		if at == len(primes) {
			primes = append(primes, i)
		}
	}
	return scaled(timed(func() {
		end := make(chan uint32)
		go func(to chan uint32) {
			for i := uint32(2); ; i++ {
				to <- i
			}
		}(end)
		for _, want := range primes {
			prime := <-end
			check(prime == want)
			next := make(chan uint32)
			go filter(prime, end, next)
			end = next
		}
	}), hops, n)
}

func isLast(primes []uint32, i uint32) bool {
	return len(primes) > 0 && primes[len(primes)-1] == i
}

func daisy(n int) time.Duration {
	return timed(func() {
		first := make(chan int)
		to := first
		for range n {
			from := make(chan int)
			go func(to, from chan int) { to <- 1 + <-from }(to, from)
			to = from
		}
		to <- 0
		check(<-first == n)
	})
}

func node(up chan int, first, leaves int) {
	if leaves == 1 {
		up <- first
		return
	}
	sums := make(chan int)
	size := leaves / 10
	for child := range 10 {
		go node(sums, first+child*size, size)
	}
	sum := 0
	for range 10 {
		sum += <-sums
	}
	up <- sum
}

func skynet(n int) time.Duration {
	leaves := 1
	for leaves*10 <= n {
		leaves *= 10
	}
	return scaled(timed(func() {
		sum := make(chan int)
		go node(sum, 0, leaves)
		check(<-sum == leaves*(leaves-1)/2)
	}), (leaves*10-1)/9, n)
}

func sleepers(n int) time.Duration {
	return timed(func() {
		var wg sync.WaitGroup
		wg.Add(n)
		for range n {
			go func() {
				time.Sleep(10 * time.Millisecond)
				wg.Done()
			}()
		}
		wg.Wait()
	})
}

func readAndWrite(n, every int) time.Duration {
	var lock sync.RWMutex
	value, each := 0, (n+7)/8
	var seen [8]int
	took := timed(func() {
		var wg sync.WaitGroup
		for task := range 8 {
			wg.Go(func() {
				for i := range each {
					if i%every == 0 {
						lock.Lock()
						value++
						lock.Unlock()
					} else {
						lock.RLock()
						seen[task] = value
						lock.RUnlock()
					}
				}
			})
		}
		wg.Wait()
	})
	check(value == (each+every-1)/every*8)
	return scaled(took, each*8, n)
}

func wakeAll(n int) time.Duration {
	door := make(chan struct{})
	var arrived, left sync.WaitGroup
	arrived.Add(n)
	left.Add(n)
	for range n {
		go func() {
			arrived.Done()
			<-door
			left.Done()
		}()
	}
	arrived.Wait()
	time.Sleep(time.Millisecond)
	return timed(func() {
		close(door)
		left.Wait()
	})
}

func roundsOf8(n int) time.Duration {
	return timed(func() {
		var wg sync.WaitGroup
		for range n {
			wg.Add(8)
			for range 8 {
				go func() { wg.Done() }()
			}
			wg.Wait()
		}
	})
}
