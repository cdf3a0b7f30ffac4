// Package report shows what came out of a sweep: as a table in the terminal, as
// CSV and JSON for other programs, and as a page with pictures.
//
//	r := &report.Report{Workload: chat, Command: command, Points: sweep.Points(chat, outcomes)}
//	r.Table(os.Stdout)
//	err := r.Write("out") // report.html, results.csv, results.json
//
// Nothing of it depends on when or on what machine the sweep was run: the same
// outcomes give the same bytes. The page is one file that asks nobody for
// anything.
package report
