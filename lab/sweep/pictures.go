package sweep

import (
	"errors"
	"fmt"
	"os"

	"strata/lab/workload"
	"strata/trace/explain"
	"strata/trace/page"
	"strata/trace/pcapng/annotate"
)

// pictures writes the files that the job wants of what was recorded.
func (j *Job) pictures(r *workload.Recording) error {
	if j.Page == "" && j.Capture == "" {
		return nil
	}
	story := explain.Join(r.Events)
	if j.Page != "" {
		if err := page.WriteFile(j.Page, story, page.Options{Title: fmt.Sprintf("%s, seed %d", j.Cell.Workload, j.Cell.Seed)}); err != nil {
			return err
		}
	}
	if j.Capture == "" {
		return nil
	}
	return annotated(j.Capture, story)
}

// annotated writes on each packet of a capture what its part in the story is.
func annotated(path string, story *explain.Story) (err error) {
	plain, err := os.Open(path)
	if err != nil {
		return err
	}
	defer plain.Close()
	beside := path + ".comments"
	f, err := os.Create(beside)
	if err != nil {
		return err
	}
	err = errors.Join(annotate.Capture(f, plain, story), f.Close())
	if err != nil {
		_ = os.Remove(beside)
		return err
	}
	return os.Rename(beside, path)
}
