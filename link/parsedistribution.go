package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	// distributionScale is one sigma in tc's tables (NETEM_DIST_SCALE).
	distributionScale = 8192

	// maxTable is tc's bound on the entries of a table (MAX_DIST).
	maxTable = 16 << 10

	maxTableFile = 1 << 20 // bytes; a table that is full has a ninth of it
)

// ReadDistribution reads a table of deviations in tc's format, as its
// normal.dist and the tables that iproute2's maketable makes of measured
// times: whole numbers from -32768 to 32767 with white space between, 8192 is
// one sigma; lines that begin with # are comments. At most 16384 numbers. name
// is what String writes, and what the errors, one line each, begin with.
func ReadDistribution(r io.Reader, name string) (Distribution, error) {
	d := Distribution{Kind: Samples, Name: name}
	err := eachLine(r, name, maxTableFile, func(line []byte) error {
		if bytes.HasPrefix(line, []byte("#")) {
			return nil
		}
		for field := range bytes.FieldsSeq(line) {
			n, err := strconv.ParseInt(string(field), 10, 16)
			if err != nil {
				return fmt.Errorf("%q is not a whole number from -32768 to 32767", clip(string(field)))
			}
			if len(d.Table) == maxTable {
				return fmt.Errorf("more than %d numbers", maxTable)
			}
			d.Table = append(d.Table, float64(n)/distributionScale)
		}
		return nil
	})
	if err == nil && len(d.Table) == 0 {
		err = fmt.Errorf("%s: %w", formatName(name), errors.New("no numbers in it"))
	}
	if err != nil {
		return Distribution{}, err
	}
	return d, nil
}
