// The micro tests in Go, on one processor (GOMAXPROCS=1), as a Go programmer writes them: goroutines,
// channels, WaitGroups, time.AfterFunc, contexts. Each process runs one test once and prints a line
// of JSON; the CPU time of the process counts, so that of the garbage collector too.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

func cpuNs() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		panic(err)
	}
	var kilobytes float64
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "Rss:") {
			fmt.Sscanf(line, "Rss: %f", &kilobytes)
		}
	}
	return kilobytes * 1024
}

func scatter(i, within int) time.Duration {
	return time.Duration(uint64(i) * 0x9E3779B97F4A7C15 >> 33 % uint64(within))
}

var sink int

//go:noinline
func ready(value int) int { return value }

//go:noinline
func depth(levels int) int {
	if levels == 0 {
		return 0
	}
	return depth(levels-1) + 1
}

// The stack of a fresh goroutine grows to a million frames.
func recursion(ops int) {
	done := make(chan int)
	go func() { done <- depth(ops) }()
	if <-done != ops {
		panic("depth")
	}
}

func spawnJoin(ops int) {
	for i := 0; i < ops; i++ {
		var group sync.WaitGroup
		group.Add(1)
		go func() {
			sink = ready(i)
			group.Done()
		}()
		group.Wait()
	}
}

func spawnJoinAll(ops int) {
	results := make([]int, ops)
	var group sync.WaitGroup
	group.Add(ops)
	for i := 0; i < ops; i++ {
		go func(i int) {
			results[i] = ready(i)
			group.Done()
		}(i)
	}
	group.Wait()
}

func gather(ops int) {
	const most = 10_000
	for left := ops; left > 0; left -= most {
		children := min(left, most)
		results := make([]int, children)
		var group sync.WaitGroup
		group.Add(children)
		for i := 0; i < children; i++ {
			go func(i int) {
				runtime.Gosched()
				results[i] = i
				group.Done()
			}(i)
		}
		group.Wait()
		if results[children-1] != children-1 {
			panic("gather")
		}
	}
}

func yield(ops int) {
	for i := 0; i < ops; i++ {
		runtime.Gosched()
	}
}

// A future is a channel that is used once.
func futurePingPong(ops int) {
	first, second := make(chan int, 1), make(chan int, 1)
	var group sync.WaitGroup
	player := func(mine, other *chan int) {
		for i := 0; i < ops/2; i++ {
			value := <-*mine
			*mine = make(chan int, 1)
			*other <- value + 1
		}
		group.Done()
	}
	group.Add(2)
	go player(&first, &second)
	go player(&second, &first)
	first <- 0
	group.Wait()
}

func channelPingPong(ops int) {
	first, second := make(chan int, 1), make(chan int, 1)
	var group sync.WaitGroup
	player := func(mine, other chan int) {
		for i := 0; i < ops/2; i++ {
			<-mine
			other <- i
		}
		group.Done()
	}
	group.Add(2)
	go player(first, second)
	go player(second, first)
	first <- 0
	group.Wait()
}

func timerFire(timers int) func(int) {
	return func(ops int) {
		for left := ops; left > 0; left -= timers {
			batch := min(left, timers)
			var group sync.WaitGroup
			group.Add(batch)
			fired := group.Done
			for i := 0; i < batch; i++ {
				time.AfterFunc(scatter(i, 10*batch), fired)
			}
			group.Wait()
		}
	}
}

func timerCancel(timers int) func(int) {
	return func(ops int) {
		fired := 0
		fire := func() { fired++ }
		armed := make([]*time.Timer, 0, min(ops, timers))
		for left := ops; left > 0; left -= timers {
			armed = armed[:0]
			for i := min(left, timers); i > 0; i-- {
				armed = append(armed, time.AfterFunc(time.Hour, fire))
			}
			for _, timer := range armed {
				timer.Stop()
			}
		}
		if fired != 0 {
			panic("fired")
		}
	}
}

func cancelCatch(ops int) {
	caught := 0
	for i := 0; i < ops; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		var group sync.WaitGroup
		group.Add(1)
		go func() {
			<-ctx.Done()
			if ctx.Err() == context.Canceled {
				caught++
			}
			group.Done()
		}()
		runtime.Gosched()
		cancel()
		group.Wait()
	}
	if caught != ops {
		panic("caught")
	}
}

func bytesPerTask(ops int) float64 {
	before := residentBytes()
	for i := 0; i < ops; i++ {
		go time.Sleep(time.Hour)
	}
	runtime.Gosched()
	return residentBytes() - before
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

type test struct {
	name string
	run  func(ops int)
	ops  int
}

var tests = []test{
	{"recursion", recursion, 1_000_000},
	{"spawn_join", spawnJoin, 700_000},
	{"spawn_join_all", spawnJoinAll, 400_000},
	{"gather", gather, 300_000},
	{"yield", yield, 3_000_000},
	{"future_ping_pong", futurePingPong, 700_000},
	{"channel_ping_pong", channelPingPong, 1_500_000},
	{"timer_fire_1k", timerFire(1_000), 300_000},
	{"timer_fire_10k", timerFire(10_000), 300_000},
	{"timer_fire_100k", timerFire(100_000), 100_000},
	{"timer_fire_1m", timerFire(1_000_000), 1_000_000},
	{"timer_cancel_1k", timerCancel(1_000), 1_000_000},
	{"timer_cancel_10k", timerCancel(10_000), 1_000_000},
	{"timer_cancel_100k", timerCancel(100_000), 500_000},
	{"timer_cancel_1m", timerCancel(1_000_000), 1_000_000},
	{"cancel_catch", cancelCatch, 300_000},
}

const bytesOps = 100_000

func main() {
	only := flag.String("only", "", "the test")
	quick := flag.Bool("quick", false, "a hundredth of the work")
	list := flag.Bool("list", false, "print the names")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	divisor := 1
	if *quick {
		divisor = 100
	}
	for _, test := range tests {
		if *list {
			fmt.Println(test.name)
		} else if *only == "" || *only == test.name {
			ops := test.ops / divisor
			began := cpuNs()
			test.run(ops)
			cost := (cpuNs() - began) / float64(ops)
			fmt.Printf("{\"test\": %q, \"ns_per_op\": %.2f, \"ops\": %d}\n", test.name, cost, ops)
		}
	}
	if *list {
		fmt.Println("bytes_per_task")
	} else if *only == "" || *only == "bytes_per_task" {
		cost := bytesPerTask(bytesOps) / bytesOps
		fmt.Printf("{\"test\": \"bytes_per_task\", \"bytes_per_op\": %.2f, \"ops\": %d}\n", cost,
			bytesOps)
	}
}
