// The interpreter of ../README.md on Go itself, for programs that nobody has recorded:
//
//	GOMAXPROCS=1 SCHEDTICK=0 go run . PROGRAM LOG
//
// Go's start-up runs goroutines of the runtime's own, not the same number in every run. The P's
// tick, which decides when the 61st look goes to the global queue, therefore starts anywhere;
// align puts it where gosched starts with GOSCHED=schedtick=N. All else is as a Go programmer
// would write it.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

const logBytes = 4 << 20

type op struct {
	letter byte
	index  int
}

var (
	chans   []chan int
	muts    []sync.Mutex
	conds   []*sync.Cond
	wgs     []sync.WaitGroup
	scripts [][]op
	nextID  = 1
	log     []byte // a shared mapping: it survives the process
	used    int
)

func line(format string, args ...any) {
	used += copy(log[used:], fmt.Sprintf(format+"\n", args...))
}

func number(word string) int {
	n, err := strconv.Atoi(word)
	check(err)
	return n
}

func parse(text string) {
	for _, l := range strings.Split(text, "\n") {
		words := strings.Fields(l)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "chans":
			for _, w := range words[1:] {
				chans = append(chans, make(chan int, number(w)))
			}
		case "muts":
			muts = make([]sync.Mutex, number(words[1]))
			for i := range muts {
				conds = append(conds, sync.NewCond(&muts[i]))
			}
		case "wgs":
			wgs = make([]sync.WaitGroup, number(words[1]))
		case "script":
			var ops []op
			for _, w := range words[1:] {
				o := op{letter: w[0]}
				if len(w) > 1 {
					o.index = number(w[1:])
				}
				ops = append(ops, o)
			}
			scripts = append(scripts, ops)
		}
	}
}

func run(id, script int) {
	line("%d start %d", id, script)
	for pc, o := range scripts[script] {
		step(id, pc, o.letter, o.index)
	}
	line("%d end", id)
}

func step(id, pc int, letter byte, k int) {
	value := id*1000 + pc
	switch letter {
	case 'p':
		line("%d p%d", id, pc)
	case 'g':
		child := nextID
		nextID++
		go run(child, k)
		line("%d go %d", id, child)
	case 'y':
		runtime.Gosched()
		line("%d y", id)
	case 's':
		chans[k] <- value
		line("%d sent %d", id, k)
	case 'r':
		v, ok := <-chans[k]
		line("%d recv %d %d %t", id, k, v, ok)
	case 't':
		select {
		case chans[k] <- value:
			line("%d trysend %d ok", id, k)
		default:
			line("%d trysend %d full", id, k)
		}
	case 'n':
		select {
		case v, ok := <-chans[k]:
			line("%d tryrecv %d %d %t", id, k, v, ok)
		default:
			line("%d tryrecv %d empty", id, k)
		}
	case 'c':
		close(chans[k])
		line("%d close %d", id, k)
	case 'l':
		muts[k].Lock()
		line("%d lock %d", id, k)
	case 'u':
		muts[k].Unlock()
		line("%d unlock %d", id, k)
	case 'a':
		wgs[k].Add(1)
		line("%d add %d", id, k)
	case 'd':
		wgs[k].Done()
		line("%d done %d", id, k)
	case 'w':
		wgs[k].Wait()
		line("%d waited %d", id, k)
	case 'W':
		conds[k].Wait()
		line("%d condwoke %d", id, k)
	case 'S':
		conds[k].Signal()
		line("%d signal %d", id, k)
	case 'B':
		conds[k].Broadcast()
		line("%d broadcast %d", id, k)
	}
}

// align returns with the P's tick at tick+1 modulo 61 and nobody else runnable: as if main were
// the first goroutine of a P that started at tick.
//
// Yielding puts main into the global queue. The churn keeps the local queue from ever being
// empty, so main comes back at a 61st look and no sooner; two rounds more, and the runtime's own
// goroutines have had their turn as well. The tick is 1 then. One yield lets the churn end, which
// takes a tick, and main comes back at 3; 59 more yields, each one tick, make that 62.
func align(tick int) {
	stop := false
	var churn func()
	churn = func() {
		if !stop {
			go churn()
			go func() {}()
		}
	}
	go churn()
	for range 3 {
		runtime.Gosched()
	}
	stop = true
	for range 60 + tick {
		runtime.Gosched()
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: schedule PROGRAM LOG")
		os.Exit(64)
	}
	text, err := os.ReadFile(os.Args[1])
	check(err)
	parse(string(text))
	f, err := os.OpenFile(os.Args[2], os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	check(err)
	check(f.Truncate(logBytes))
	log, err = syscall.Mmap(int(f.Fd()), 0, logBytes,
		syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	check(err)
	tick := 0
	if t := os.Getenv("SCHEDTICK"); t != "" {
		tick = number(t)
	}
	align(tick)
	run(0, 0)
}
