package sweep

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// Config says how cells are run.
type Config struct {
	Worker  []string      // the command line of a worker; it calls Serve
	Env     []string      // of workers, beside our own
	Workers int           // processes at once; 0 is as many as there are cores
	Timeout time.Duration // of one cell, on the wall; 0 is two minutes

	// Done is told of each outcome as it comes, one at a time; nil is nobody. An
	// error ends the sweep.
	Done func(Outcome) error
}

// DefaultTimeout is how long one cell may take on the wall.
const DefaultTimeout = 2 * time.Minute

// Run runs cells, and gives the outcomes of those that came to their end, in the
// order of the cells. When ctx ends, that is what there is by then, and the error
// is the context's. A cell that fails is an outcome.
func Run(ctx context.Context, cells []Cell, c Config) ([]Outcome, error) {
	jobs := make([]Job, len(cells))
	for i, cell := range cells {
		jobs[i] = Job{Cell: cell}
	}
	done := func(i int, a Answer) error {
		if c.Done == nil {
			return nil
		}
		return c.Done(a.Outcome)
	}
	answers, err := do(ctx, jobs, c, done)
	var outcomes []Outcome
	for _, a := range answers {
		if a != nil {
			outcomes = append(outcomes, a.Outcome)
		}
	}
	return outcomes, err
}

// Do does jobs, as Run runs cells. The answers are in the order of the jobs; nil
// is one that did not come to its end.
func Do(ctx context.Context, jobs []Job, c Config) ([]*Answer, error) {
	return do(ctx, jobs, c, func(int, Answer) error { return nil })
}

func do(ctx context.Context, jobs []Job, c Config, done func(int, Answer) error) ([]*Answer, error) {
	if c.Workers <= 0 {
		c.Workers = runtime.NumCPU()
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make([]*Answer, len(jobs))
	next := make(chan int)
	go func() {
		defer close(next)
		for i := range jobs {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	var mu sync.Mutex // of answers and done
	var wg sync.WaitGroup
	for range min(c.Workers, len(jobs)) {
		wg.Go(func() {
			var w *worker
			defer func() {
				if w != nil {
					w.close()
				}
			}()
			for i := range next {
				if w == nil {
					var err error
					if w, err = startWorker(c.Worker, c.Env); err != nil {
						cancel(err)
						return
					}
				}
				a, err := w.do(ctx, jobs[i], c.Timeout)
				if err != nil {
					w = nil
					if ctx.Err() != nil {
						return
					}
					a = Answer{Outcome: Outcome{Cell: jobs[i].Cell, Error: err.Error()}}
				}
				mu.Lock()
				answers[i] = &a
				err = done(i, a)
				mu.Unlock()
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return answers, err
	}
	for _, a := range answers {
		if a == nil {
			return answers, errors.New("a job was lost")
		}
	}
	return answers, nil
}
