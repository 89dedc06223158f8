package verdict

import "fmt"

// Definition is what a code means.
type Definition struct {
	Code  Code
	Means string // one line
	Args  []Param
}

// Param is an argument that a code has.
type Param struct {
	Name string
	Type Type
}

// Named is an argument of this type.
func (t Type) Named(name string) Param { return Param{name, t} }

// Define says what a code means, and with which arguments, in their order.
func Define(code Code, means string, args ...Param) Definition {
	return Definition{code, means, args}
}

// Fits returns what about a message is not as its definition says, or nil.
func (d Definition) Fits(m Message) error {
	if m.Code != d.Code {
		return fmt.Errorf("verdict: %s is not %s", m.Code, d.Code)
	}
	if len(m.Args) != len(d.Args) {
		return fmt.Errorf("verdict: %s has %d arguments, and %d are defined", m.Code, len(m.Args), len(d.Args))
	}
	for i, a := range m.Args {
		if want := d.Args[i]; a.name != want.Name || a.typ != want.Type {
			return fmt.Errorf("verdict: argument %d of %s is %s %s, and %s %s is defined", i+1, m.Code, a.typ, a.name, want.Type, want.Name)
		}
	}
	return nil
}

// Codes are the definitions of what every room may say.
func Codes() []Definition {
	return []Definition{
		Define("list.none", "stands for a list that has nothing in it"),
		Define("list.no-units", "stands for units of which nobody knows one"),
		Define("number.point", "stands between a number and its decimals"),
	}
}
