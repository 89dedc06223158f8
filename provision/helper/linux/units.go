//go:build linux

package linux

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// queryTime bounds a question to systemd or to dpkg, which are asked while
// they may be busy.
const queryTime = 30 * time.Second

// Units implements helper.Units. systemctl shows one unit after the other in
// the order in which they were named.
func (machine) Units(names []string) (map[string]server.UnitFact, error) {
	facts := map[string]server.UnitFact{}
	if len(names) == 0 {
		return facts, nil
	}
	argv := append([]string{"systemctl", "show", "--no-pager",
		"--property=Id,Names,LoadState,ActiveState,SubState,UnitFileState,NRestarts", "--"}, names...)
	out, err := ask(queryTime, argv...)
	if err != nil {
		return nil, err
	}
	shown := strings.Split(strings.TrimSpace(out), "\n\n")
	if len(shown) != len(names) {
		return nil, fmt.Errorf("systemctl show: %d units were asked for, %d are shown", len(names), len(shown))
	}
	for i, text := range shown {
		values := map[string]string{}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			values[name] = value
		}
		if !slices.Contains(append(strings.Fields(values["Names"]), values["Id"]), names[i]) {
			return nil, fmt.Errorf("systemctl show: %.80q is shown in place of %.80q", oneLine(values["Id"]), names[i])
		}
		restarts, _ := strconv.Atoi(values["NRestarts"])
		facts[names[i]] = server.UnitFact{
			Load: values["LoadState"], Active: values["ActiveState"], Sub: values["SubState"],
			File: values["UnitFileState"], Restarts: restarts,
		}
	}
	return facts, nil
}

// Do implements helper.Units.
func (machine) Do(op helper.Op, unit string, limit time.Duration) error {
	words := map[helper.Op][]string{
		helper.OpStart:     {"start"},
		helper.OpStop:      {"stop"},
		helper.OpRestart:   {"restart"},
		helper.OpReload:    {"reload-or-restart"},
		helper.OpEnable:    {"enable"},
		helper.OpDisable:   {"disable"},
		helper.OpReset:     {"reset-failed"},
		helper.OpStartSoon: {"--no-block", "start"},
		helper.OpStopSoon:  {"--no-block", "stop"},
		helper.OpReread:    {"daemon-reload"},
	}[op]
	if words == nil {
		return fmt.Errorf("there is no operation %q", op)
	}
	argv := append([]string{"systemctl", "--quiet", "--no-ask-password", "--no-pager"}, words...)
	if op != helper.OpReread {
		argv = append(argv, "--", unit)
	}
	out, err := machine{}.Run(argv, limit)
	switch {
	case err == nil:
		return nil
	case op == helper.OpReset && strings.Contains(out, "not loaded"):
		return nil // what systemd has forgotten has not failed
	}
	return said(string(op)+" "+unit, out, err)
}

// said is an error with the words of the program that failed.
func said(what, out string, err error) error {
	if words := oneLine(out); words != "" && !errors.Is(err, helper.ErrTimeout) {
		return fmt.Errorf("%s: %w: %s", strings.TrimSpace(what), err, words)
	}
	return fmt.Errorf("%s: %w", strings.TrimSpace(what), err)
}

// Said implements helper.Units. systemd's own lines about a unit only repeat
// that it has failed, and would push the reason out. By its name too: what ends
// at once is gone before the journal sees its unit.
func (machine) Said(unit string, since time.Time) string {
	_, _ = ask(queryTime, "journalctl", "--sync")
	from := []string{"journalctl", "--quiet", "--no-pager", "-o", "cat", "-n", "5", "--since", "@" + strconv.FormatInt(since.Unix(), 10)}
	for _, match := range [][]string{
		{"_SYSTEMD_UNIT=" + unit, "+", "SYSLOG_IDENTIFIER=" + strings.TrimSuffix(unit, ".service")},
		{"-u", unit},
	} {
		out, err := ask(queryTime, append(slices.Clone(from), match...)...)
		if line := oneLine(out); err == nil && line != "" {
			return line
		}
	}
	return "nothing"
}
