//go:build !linux

package main

import (
	"errors"
	"time"
)

var errNotHere = errors.New("measured on Linux only")

func beIdle(time.Duration) error          { return errNotHere }
func processPart(bool) ([]Section, error) { return nil, errNotHere }
