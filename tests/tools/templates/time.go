package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"text/template"
	"time"
)

// Reads all cases, renders them on so many threads, each parsed anew, and writes how long that took and how much came out:
//
//	{"nanoseconds": 123456789, "bytes": 4096000}
func measure(functions template.FuncMap, threads string) error {
	workers, err := strconv.Atoi(threads)
	if err != nil || workers < 1 {
		return fmt.Errorf("usage: templates time THREADS < CASES")
	}
	// The collector of garbage has no more threads than the work.
	runtime.GOMAXPROCS(workers)
	var requests []request
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		var request request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			return err
		}
		requests = append(requests, request)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	var next, bytes atomic.Int64
	failures := make(chan error, workers)
	var group sync.WaitGroup
	begun := time.Now()
	for range workers {
		group.Go(func() {
			for {
				number := int(next.Add(1)) - 1
				if number >= len(requests) {
					return
				}
				rendered, err := render(functions, requests[number])
				if err != nil {
					failures <- err
					return
				}
				bytes.Add(int64(len(rendered)))
			}
		})
	}
	group.Wait()
	taken := time.Since(begun)
	close(failures)
	if err := <-failures; err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]int64{
		"nanoseconds": taken.Nanoseconds(),
		"bytes":       bytes.Load(),
	})
}
