package page_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"strata/trace"
	"strata/trace/explain"
	"strata/trace/page"
)

// At the end of a test with a recorder (lab.Record(rec) gives one to a world),
// or where a server stops, what was recorded becomes a page.
func ExampleWriteFile() {
	rec := trace.NewRecording(0)
	// … what is recorded

	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	events, _ := rec.Events()
	path := filepath.Join(folder, "story.html")
	if err := page.WriteFile(path, explain.Join(events), page.Options{Title: "The slow chat"}); err != nil {
		log.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Mode(), info.Size() > 0)
	// Output: -rw-r--r-- true
}
