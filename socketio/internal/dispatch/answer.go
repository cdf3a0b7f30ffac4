package dispatch

import "reflect"

// Answerer is who sends the answer to an event. Only the first one counts.
type Answerer interface {
	Answer(args ...any)
	AnswerText(text string) // Answer of one string
}

// AnswerFunc is a function as an Answerer; nil where it is nil.
func AnswerFunc(answer func(args ...any)) Answerer {
	if answer == nil {
		return nil
	}
	return answerFunc(answer)
}

type answerFunc func(args ...any)

func (f answerFunc) Answer(args ...any)     { f(args...) }
func (f answerFunc) AnswerText(text string) { f(text) }

// answerer is to, or where the event asks for no answer one that sends none.
func answerer(to Answerer) Answerer {
	if to == nil {
		return nobody{}
	}
	return to
}

type nobody struct{}

func (nobody) Answer(...any)     {}
func (nobody) AnswerText(string) {}

// ackFunc is a function of type t that answers; with a nil Answerer it does nothing.
func ackFunc(t reflect.Type, to Answerer) reflect.Value {
	to = answerer(to)
	if fn := simpleAck(t, to); fn != nil {
		return reflect.ValueOf(fn)
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
// takes to make a function; nil for others.
func simpleAck(t reflect.Type, to Answerer) any {
	switch t {
	case reflect.TypeFor[func()]():
		return ackNothing(to)
	case reflect.TypeFor[func(string)]():
		return ackText(to)
	case reflect.TypeFor[func(bool)]():
		return ackValue[bool](to)
	case reflect.TypeFor[func(int)]():
		return ackValue[int](to)
	case reflect.TypeFor[func([]byte)]():
		return ackValue[[]byte](to)
	case reflect.TypeFor[func(any)]():
		return ackValue[any](to)
	}
	return nil
}
