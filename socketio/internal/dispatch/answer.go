package dispatch

import "reflect"

// Answerer is who sends the answer to an event. Only the first one counts.
type Answerer interface {
	Answer(args ...any)
}

// AnswerFunc is a function as an Answerer; nil where it is nil.
func AnswerFunc(answer func(args ...any)) Answerer {
	if answer == nil {
		return nil
	}
	return answerFunc(answer)
}

type answerFunc func(args ...any)

func (f answerFunc) Answer(args ...any) { f(args...) }

// nobody is the Answerer of an event that asks for no answer.
type nobody struct{}

func (nobody) Answer(...any) {}

// ackFunc is a function of type t that answers; with a nil Answerer it does nothing.
func ackFunc(t reflect.Type, to Answerer) reflect.Value {
	if to == nil {
		to = nobody{}
	}
	if fn := simpleAck(t, to); fn.IsValid() {
		return fn
	}
	return reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
		args := make([]any, 0, len(in))
		for i, v := range in {
			if t.IsVariadic() && i == len(in)-1 {
				for j := range v.Len() {
					args = append(args, v.Index(j).Interface())
				}
				break
			}
			args = append(args, v.Interface())
		}
		to.Answer(args...)
		return nil
	})
}

// simpleAck is ackFunc for the types that are frequent, without what reflection
// takes to make a function; the zero Value for others.
func simpleAck(t reflect.Type, to Answerer) reflect.Value {
	switch t {
	case reflect.TypeFor[func()]():
		return reflect.ValueOf(func() { to.Answer([]any{}...) })
	case reflect.TypeFor[func(string)]():
		return reflect.ValueOf(func(v string) { to.Answer(v) })
	case reflect.TypeFor[func(bool)]():
		return reflect.ValueOf(func(v bool) { to.Answer(v) })
	case reflect.TypeFor[func(int)]():
		return reflect.ValueOf(func(v int) { to.Answer(v) })
	case reflect.TypeFor[func([]byte)]():
		return reflect.ValueOf(func(v []byte) { to.Answer(v) })
	case reflect.TypeFor[func(any)]():
		return reflect.ValueOf(func(v any) { to.Answer(v) })
	}
	return reflect.Value{}
}
