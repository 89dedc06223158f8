package printable

import (
	"fmt"
	"io"
	"reflect"
)

// Fprintf writes like fmt.Fprintf; each text among the arguments is one line.
// Newlines are those of the format alone.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	return fmt.Fprintf(w, format, cleaned(args)...)
}

// Sprintf is Fprintf into a string.
func Sprintf(format string, args ...any) string { return fmt.Sprintf(format, cleaned(args)...) }

// cleaned are arguments of a format whose texts are one line each. Numbers stay
// numbers; whatever has more to it is put into words here, and cleaned as such.
func cleaned(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = arg(a)
	}
	return out
}

func arg(a any) any {
	switch a := a.(type) {
	case nil:
		return a
	case error, fmt.Stringer:
		return Line(fmt.Sprint(a))
	}
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.String:
		return Line(v.String())
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return a
	}
	return Line(fmt.Sprint(a))
}
