package dispatch

import (
	"encoding/json"
	"reflect"

	"strata/socketio/parser"
)

// direct is [Handler.Call] of a function whose type was known when this package was
// compiled: to decode a text, call its handler and have that answer takes less than
// two thirds of the time by reflection (go test -bench Dispatch).
type direct func(args parser.Args, to Answerer) error

// directly is how fn is called without reflection; nil where it is not of one of
// the frequent types.
func directly(fn any) direct {
	switch fn := fn.(type) {
	case func():
		return func(parser.Args, Answerer) error { fn(); return nil }
	case func(string):
		return one(parser.Arg.Text, fn)
	case func(string, func()):
		return oneAnswered(parser.Arg.Text, fn, ackNothing)
	case func(string, func(string)):
		return oneAnswered(parser.Arg.Text, fn, ackText)
	case func(string) string:
		return oneReturned(parser.Arg.Text, fn)
	case func([]byte):
		return one(decoded, fn)
	case func([]byte, func([]byte)):
		return oneAnswered(decoded, fn, ackValue)
	case func(json.RawMessage):
		return one(decoded, fn)
	case func(json.RawMessage, func(any)):
		return oneAnswered(decoded, fn, ackValue)
	}
	return nil
}

func one[T any](decode func(parser.Arg) (T, error), fn func(T)) direct {
	return func(args parser.Args, _ Answerer) error {
		v, err := first(args, decode)
		if err == nil {
			fn(v)
		}
		return err
	}
}

func oneAnswered[T, Ack any](decode func(parser.Arg) (T, error), fn func(T, Ack), ack func(Answerer) Ack) direct {
	return func(args parser.Args, to Answerer) error {
		v, err := first(args, decode)
		if err == nil {
			fn(v, ack(answerer(to)))
		}
		return err
	}
}

func oneReturned[T any](decode func(parser.Arg) (T, error), fn func(T) string) direct {
	return func(args parser.Args, to Answerer) error {
		v, err := first(args, decode)
		if err == nil {
			answerer(to).AnswerText(fn(v))
		}
		return err
	}
}

// first is the first argument; zero where there is none.
func first[T any](args parser.Args, decode func(parser.Arg) (T, error)) (v T, err error) {
	for arg := range args.All() {
		if v, err = decode(arg); err != nil {
			return v, misfit(0, reflect.TypeFor[T](), err)
		}
		break
	}
	return v, nil
}

func decoded[T any](arg parser.Arg) (v T, err error) {
	err = arg.Decode(&v)
	return v, err
}

// The ack functions of the frequent types.

func ackNothing(to Answerer) func()             { return func() { to.Answer([]any{}...) } }
func ackText(to Answerer) func(string)          { return func(v string) { to.AnswerText(v) } }
func ackValue[T any](to Answerer) func(value T) { return func(v T) { to.Answer(v) } }
