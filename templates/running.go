package templates

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// Running is how it is seen that a file is in effect. Values of Sysctls and
// Settings, and words of Shows and Loads, may hold actions of text/template.
type Running struct {
	Syntax   Syntax
	Sysctls  map[string]string // parameters of the kernel, by name with slashes
	Shows    []string
	Settings map[string]string
	Loads    []string
	Clears   string
}

// Syntax is that of a file which is read for what has to be in effect.
type Syntax string

// SysctlD has parameters of the kernel, a line each (sysctl.d(5)).
const SysctlD Syntax = "sysctl.d"

func runningOf(raw rawFile) (*Running, error) {
	r := raw.Running
	if r == nil {
		return nil, nil
	}
	fail := func(format string, args ...any) (*Running, error) {
		return nil, fmt.Errorf("running: "+format, args...)
	}
	compared := len(r.Settings) > 0 || len(r.Loads) > 0
	switch {
	case raw.Secret:
		return fail("what runs is shown, and the file is a secret")
	case raw.How == "" && len(raw.Command) == 0:
		return fail("nothing puts the file in effect: it needs how, or command")
	case r.Syntax != "" && Syntax(r.Syntax) != SysctlD:
		return fail("syntax = %q is none but %q", r.Syntax, SysctlD)
	case r.Syntax == "" && len(r.Sysctls) == 0 && len(r.Shows) == 0:
		return fail("it says nothing: it needs syntax, sysctls or shows")
	case compared != (len(r.Shows) > 0):
		return fail("shows is there to be compared with settings or with what loads makes, and both are needed")
	case len(r.Settings) > 0 && len(r.Loads) > 0:
		return fail("settings and loads are there: one of them")
	case len(r.Loads) > 0 && !slices.Contains(r.Loads, "{}"):
		return fail(`loads has no "{}", which stands for the file`)
	case r.Clears != "" && len(r.Loads) == 0:
		return fail("clears is there for loads, and there is none")
	}
	for _, words := range [][]string{r.Shows, r.Loads} {
		if err := checkWords("running", words); err != nil {
			return nil, err
		}
	}
	return &Running{Syntax: Syntax(r.Syntax), Sysctls: r.Sysctls, Shows: r.Shows, Settings: r.Settings, Loads: r.Loads, Clears: r.Clears}, nil
}

// make returns what has to be in effect of a file with that text.
func (r *Running) make(text string, values any) (*state.Runtime, error) {
	if r == nil {
		return nil, nil
	}
	out := &state.Runtime{Clears: r.Clears}
	var err error
	if out.Shows, err = expandAll("shows", r.Shows, values); err != nil {
		return nil, err
	}
	if out.Loads, err = expandAll("loads", r.Loads, values); err != nil {
		return nil, err
	}
	if out.Settings, err = expandMap("settings", r.Settings, values); err != nil {
		return nil, err
	}
	sysctls, err := expandMap("sysctls", r.Sysctls, values)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(sysctls)) {
		out.Sysctls = append(out.Sysctls, state.Sysctl{Name: name, Value: sysctls[name]})
	}
	if r.Syntax == SysctlD {
		more, err := sysctlsOf(text)
		if err != nil {
			return nil, err
		}
		out.Sysctls = append(out.Sysctls, more...)
	}
	return out, nil
}

func expandMap(what string, in map[string]string, values any) (map[string]string, error) {
	var out map[string]string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		value, err := expand(what, in[name], values)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = value
	}
	return out, nil
}

var sysctlLine = regexp.MustCompile(`^(-?)([A-Za-z0-9_*./-]+?)\s*=\s*(.*)$`)

// sysctlsOf are the parameters of a file of sysctl.d(5). What comes last of a
// name counts.
func sysctlsOf(text string) ([]state.Sysctl, error) {
	var out []state.Sysctl
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		m := sysctlLine.FindStringSubmatch(line)
		if m == nil || m[3] == "" {
			return nil, fmt.Errorf("%q is no parameter of the kernel with a value (sysctl.d(5))", line)
		}
		s := state.Sysctl{Name: strings.ReplaceAll(m[2], ".", "/"), Value: strings.Join(strings.Fields(m[3]), " "), Optional: m[1] != ""}
		out = slices.DeleteFunc(out, func(o state.Sysctl) bool { return o.Name == s.Name })
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, errors.New("the file has no parameter of the kernel")
	}
	return out, nil
}
