// The disk benchmarks in Go: a goroutine per read in flight, ReadAt and WriteAt.
package main

import (
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	pageSize  = 4096
	readDepth = 32
	blockSize = 256 * 1024
	copyDepth = 8
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Memory that O_DIRECT takes.
func alignedMemory(size int) []byte {
	memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_POPULATE)
	check(err)
	return memory
}

// The i-th offset of disk.h's next_page.
func page(i uint64, pages uint64) int64 {
	z := i * 0x9E3779B97F4A7C15
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	z ^= z >> 31
	high, _ := bits.Mul64(z, pages)
	return int64(high * pageSize)
}

func readAtRandom(file *os.File, buffer []byte, size uint64, reads uint64, started *uint64) {
	for {
		i := atomic.AddUint64(started, 1)
		if i > reads {
			return
		}
		_, err := file.ReadAt(buffer, page(i, size/pageSize))
		check(err)
	}
}

func copyBlocks(source *os.File, target *os.File, buffer []byte, size uint64, started *uint64) {
	for {
		offset := (atomic.AddUint64(started, 1) - 1) * blockSize
		if offset >= size {
			return
		}
		block := buffer
		if size-offset < blockSize {
			block = buffer[:size-offset]
		}
		_, err := source.ReadAt(block, int64(offset))
		check(err)
		_, err = target.WriteAt(block, int64(offset))
		check(err)
	}
}

func cpuTime() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) * 1e-9
}

func main() {
	if !(len(os.Args) == 5 && os.Args[1] == "random") && !(len(os.Args) == 4 && os.Args[1] == "copy") {
		fmt.Fprintln(os.Stderr, "usage: disk_go random FILE cached|direct READS | copy FILE TARGET")
		os.Exit(2)
	}
	copies := os.Args[1] == "copy"
	flags := os.O_RDONLY
	if !copies && os.Args[3] == "direct" {
		flags |= syscall.O_DIRECT
	}
	source, err := os.OpenFile(os.Args[2], flags, 0)
	check(err)
	status, err := source.Stat()
	check(err)
	size := uint64(status.Size())
	var target *os.File
	var reads uint64
	depth, length := readDepth, pageSize
	if copies {
		target, err = os.OpenFile(os.Args[3], os.O_WRONLY|os.O_CREATE, 0600)
		depth, length = copyDepth, blockSize
	} else {
		reads, err = strconv.ParseUint(os.Args[4], 10, 64)
	}
	check(err)
	buffers := make([][]byte, depth)
	for i := range buffers {
		buffers[i] = alignedMemory(length)
	}
	var group sync.WaitGroup
	var started uint64
	began, cpu := time.Now(), cpuTime()
	for _, buffer := range buffers {
		group.Add(1)
		go func(buffer []byte) {
			defer group.Done()
			if copies {
				copyBlocks(source, target, buffer, size, &started)
			} else {
				readAtRandom(source, buffer, size, reads, &started)
			}
		}(buffer)
	}
	group.Wait()
	bytes := reads * pageSize
	if copies {
		bytes = size
	}
	fmt.Printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"reads\": %d, \"bytes\": %d}\n",
		time.Since(began).Seconds(), cpuTime()-cpu, reads, bytes)
}
