//go:build !linux

package main

import (
	"errors"
	"time"
)

var errNotHere = errors.New("measured on Linux only")

func beIdle(time.Duration) error          { return errNotHere }
func serveClients(int, int) error         { return errNotHere }
func beClients(int, int) error            { return errNotHere }
func clientsPart(bool) ([]Section, error) { return nil, errNotHere }
func peersPart(bool) ([]Section, error)   { return nil, errNotHere }
func processPart(bool) ([]Section, error) { return nil, errNotHere }
