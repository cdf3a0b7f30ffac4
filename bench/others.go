package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// command runs one of the other benchmarks, and gives what it prints.
func command(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return out, nil
}

// tunResult is a row of tun/tunbench -json.
type tunResult struct {
	Link string
	Rate map[string]float64
	CPU  map[string]float64

	Congestion string // control of the kernel's sockets
}

var tunRows = []struct {
	job, what, unit, per string
	wanted               float64
}{
	{"up", "bulk, kernel to us", "Gbit/s", "a gigabyte", 0.9},
	{"down", "bulk, us to kernel", "Gbit/s", "a gigabyte", 1},
	{"trips", "64 B round trips, one connection", "trips/s", "a million", 0.75},
	{"together", "64 B round trips, both processes on one processor", "trips/s", "a million", 0.75},
	{"apart", "64 B round trips, each process on its own", "trips/s", "a million", 0.75},
	{"crowd", "64 B round trips, 100 connections", "trips/s", "a million", 0.75},
	{"opens", "new connections", "connections/s", "a million", 0.5},
}

func tunPart(quick bool) ([]Section, error) {
	args := []string{"run", "./tun/tunbench", "-json"}
	if quick {
		args = append(args, "-rounds", "3", "-time", "300ms")
	}
	out, err := command(".", "go", args...)
	if err != nil {
		return nil, err
	}
	return tunSections(out)
}

func tunSections(out []byte) ([]Section, error) {
	var results []tunResult
	if err := json.Unmarshal(out, &results); err != nil {
		return nil, fmt.Errorf("tunbench: %w", err)
	}
	of := map[string]tunResult{}
	for _, r := range results {
		of[r.Link] = r
	}
	ours, all, kernel, water := of["offload"], of["offload-all"], of["kernel"], of["water"]
	rates := Section{
		Title: "The TUN device",
		Note: "A client on the kernel's sockets in a network namespace, MTU 1500; the server is ours behind a TUN device, or the kernel's behind a veth pair. " +
			"Round trips of one connection are mostly waking up: they are several times as fast where the scheduler happens to put both processes on one processor, " +
			"for the kernel as for us, and it may do so for one of the two only; so they are also measured where both are told where to be. " +
			"Ours takes as few processors as its work needs, as `strata serve` does (processors.Spare); below is what it does with all of them." + ofKernel(kernel.Congestion),
	}
	costs := Section{
		Title:   "What the TUN device takes of the processors",
		Note:    "Seconds of processor time of client and server together for the same work: more than 1 is less time than the kernel takes. The kernel's own work on nobody's behalf is in neither.",
		figures: true,
	}
	for _, row := range tunRows {
		rates.Rows = append(rates.Rows, faster(row.what, "kernel over veth", row.unit, ours.Rate[row.job], kernel.Rate[row.job], row.wanted))
		costs.Rows = append(costs.Rows, Row{What: row.what, Beside: "kernel over veth", Unit: "s " + row.per,
			Ours: ours.CPU[row.job], Theirs: kernel.CPU[row.job], Ratio: kernel.CPU[row.job] / ours.CPU[row.job]})
	}
	for _, row := range tunRows {
		rates.Rows = append(rates.Rows, faster(row.what+", all processors", "kernel over veth", row.unit, all.Rate[row.job], kernel.Rate[row.job], 0))
	}
	for _, row := range tunRows {
		rates.Rows = append(rates.Rows, faster(row.what+", without offloads", "kernel over veth", row.unit, water.Rate[row.job], kernel.Rate[row.job], 0))
	}
	return []Section{rates, costs}, nil
}

func wsPart(quick bool) ([]Section, error) {
	args := []string{"run", "."}
	if quick {
		args = append(args, "-quick")
	}
	out, err := command("ws/bench", "go", args...)
	if err != nil {
		return nil, err
	}
	return wsSections(string(out)), nil
}

var gap = regexp.MustCompile(`\s{2,}`)

// wsSections reads the tables of ws/bench that have a ratio. A table is a title,
// a line of heads (of which "best library" and "ratio" are two), and rows, which
// begin with what and its unit, up to an empty line.
func wsSections(out string) []Section {
	var sections []Section
	lines := strings.Split(out, "\n")
	for i, line := range lines {
		heads := gap.Split(strings.TrimSpace(line), -1)
		if i == 0 || len(heads) < 4 || heads[0] != "unit" || heads[len(heads)-3] != "best library" {
			continue
		}
		s := Section{Title: "WebSocket: " + lines[i-1], Note: "Our best way to serve beside the best of the libraries, from `make bench-ws`, which has each of them."}
		measured := "" // by the row before, which one of processor time belongs to
		for _, row := range lines[i+1:] {
			// The row's first cell, which the heads leave empty, is one more.
			cells := gap.Split(strings.TrimSpace(row), -1)
			if len(cells) < len(heads) {
				if strings.TrimSpace(row) == "" {
					break
				}
				continue
			}
			if what := cells[0]; what != "server's processor time" {
				measured = what
			} else {
				cells[0] = measured + ": " + what
			}
			ratio, err := strconv.ParseFloat(cells[len(heads)-1], 64)
			if err != nil || cells[len(heads)-2] == "-" {
				continue // nobody to compare with
			}
			r := Row{What: cells[0], Beside: cells[len(heads)-2], Unit: cells[1], Ratio: ratio}
			if len(cells) > len(heads) {
				r.Wanted, _ = strconv.ParseFloat(cells[len(heads)], 64)
			}
			s.Rows = append(s.Rows, r)
		}
		sections = append(sections, s)
	}
	return sections
}

func socketioPart(quick bool) ([]Section, error) {
	if _, err := os.Stat("socketio/interop/node_modules/socket.io"); err != nil {
		if _, err := command(".", "npm", "ci", "--prefix", "socketio/interop", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
			return nil, err
		}
	}
	args := []string{"run", "./socketio/bench"}
	if quick {
		args = append(args, "-quick")
	}
	out, err := command(".", "go", args...)
	if err != nil {
		return nil, err
	}
	return []Section{socketioSection(string(out))}, nil
}

var socketioRow = regexp.MustCompile(`(?m)^(.+?)\s+([\d.]+\S*)\s+([\d.]+\S*)\s+([\d.]+)×$`)

// socketioSection reads the rows of socketio/bench that have a ratio.
func socketioSection(out string) Section {
	s := Section{Title: "Socket.IO", Note: "Beside Node's official server over the kernel's loopback, from `make bench-socketio`."}
	for _, m := range socketioRow.FindAllStringSubmatch(out, -1) {
		ratio, err := strconv.ParseFloat(m[4], 64)
		if err != nil {
			continue
		}
		s.Rows = append(s.Rows, Row{What: m[1], Beside: "socket.io of Node", Ratio: ratio})
	}
	return s
}
