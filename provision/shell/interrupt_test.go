//go:build unix

package shell_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
)

// stepper counts the statements that a run of the script reaches. It uses
// only what the shell itself does, so that counting starts no process. The
// step whose number is in $RAIZ_KILL ends the whole process group, as the end
// of a control group or of the power does.
const stepper = `raiz_step() {
	read -r raiz_n <"$RAIZ_STEPS" || :
	raiz_n=$((raiz_n + 1))
	echo "$raiz_n" >"$RAIZ_STEPS"
	echo "$1" >>"$RAIZ_TRACE"
	[ "$raiz_n" != "${RAIZ_KILL:-0}" ] || kill -9 0
}
`

// instrument puts a step before every simple statement of the script: at the
// begin of a line, and after every "&&" on it.
func instrument(script string) string {
	word := regexp.MustCompile(`^\s*(then\b|else\b|elif\b|fi\b|do\b|done\b|esac\b|;;|\}|\)|\||&&|#|[a-z_]+\(\) \{|[^ ()]+( \| [^ ()]+)*\)|\*\))`)
	arm := regexp.MustCompile(`^(\s*)([^ ()'"$]+(?: \| [^ ()'"$]+)*\)) (.+)$`)
	var b strings.Builder
	b.WriteString(stepper)
	inside, continued, heredoc := false, false, false
	for i, l := range strings.Split(script, "\n") {
		step := fmt.Sprintf("raiz_step %d", i+1)
		switch {
		case heredoc:
			heredoc = strings.TrimSpace(l) != "UNIT"
		case inside || continued || strings.TrimSpace(l) == "" || strings.HasPrefix(l, "#"):
		case arm.MatchString(l) && !strings.Contains(l, "case "):
			l = arm.ReplaceAllString(l, "${1}${2} "+step+"; ${3}")
			l = between(l, step)
		case !word.MatchString(l):
			indent := len(l) - len(strings.TrimLeft(l, "\t"))
			l = l[:indent] + step + "; " + between(l[indent:], step)
		}
		heredoc = heredoc || strings.Contains(l, "<<-UNIT")
		if strings.Count(l, "'")%2 == 1 && !strings.HasPrefix(strings.TrimSpace(l), "#") {
			inside = !inside
		}
		trimmed := strings.TrimRight(l, " ")
		continued = inside || strings.HasSuffix(trimmed, "\\") || strings.HasSuffix(trimmed, "&&") || strings.HasSuffix(trimmed, "|") || strings.HasSuffix(trimmed, "||")
		b.WriteString(l + "\n")
	}
	return b.String()
}

// between puts a step after every "&&" that the shell reads as one.
func between(l, step string) string {
	if strings.Contains(l, "awk") {
		return l
	}
	return strings.ReplaceAll(l, " && ", " && "+step+" && ")
}

// moment is a verb that is about to run on a server that is ready for it.
type moment struct {
	verb  string
	ready func(*testing.T, *box)
	words func(*testing.T, *box) []string
	says  string // what an undisturbed run says
}

func moments() []moment {
	fixed := func(words ...string) func(*testing.T, *box) []string {
		return func(*testing.T, *box) []string { return words }
	}
	armed := func(t *testing.T, b *box) {
		b.touch(t, "hold")
		b.apply(t, small(t)).has(t, "armed 1 2")
		b.remove(t, b.stub("hold"))
	}
	active := func(t *testing.T, b *box) { b.apply(t, small(t)).has(t, "active 1") }
	return []moment{
		{verb: "apply", ready: func(*testing.T, *box) {}, words: func(t *testing.T, b *box) []string {
			bundle, path := b.upload(t, small(t))
			return []string{"apply", path, bundle.Sum, "2"}
		}, says: "active 1"},
		{verb: "commit", ready: armed, words: fixed("commit", "1")},
		{verb: "confirm", ready: active, words: fixed("confirm", "1", "dns.service"), says: "confirmed 1"},
		{verb: "revert", ready: active, words: fixed("revert", "1", "why"), says: "reverted 1 why"},
		{verb: "boot", ready: active, words: fixed("boot"), says: "reverted 1 the server started again"},
	}
}

// small is a change with one file of each kind that is treated differently.
func small(t *testing.T) shell.Generation {
	t.Helper()
	g := change(t)
	keep := map[string]bool{"/etc/dns.conf": true, "/etc/secret.conf": true, "/etc/deep/er/new.conf": true}
	g.Puts = slices.DeleteFunc(g.Puts, func(p shell.Put) bool { return !keep[p.Path] })
	g.Actions = g.Actions[:2] // one unit goes, one is reloaded
	return g
}

// tracer runs the instrumented script.
type tracer struct{ script string }

func newTracer(t *testing.T) tracer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stepped.sh")
	if err := os.WriteFile(path, []byte(instrument(shell.Script())), 0o600); err != nil {
		t.Fatal(err)
	}
	return tracer{script: path}
}

// run ends with the step before which it is killed; 0 stands for none. It
// returns the line of the script that each step came before.
func (tr tracer) run(t *testing.T, b *box, kill int, words ...string) ([]int, answer) {
	t.Helper()
	steps, trace := filepath.Join(b.dir, "steps"), filepath.Join(b.dir, "trace")
	if err := os.WriteFile(steps, []byte("0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := b.start("", append([]string{tr.script}, words...)...)
	c.Env = append(c.Env[:len(c.Env):len(c.Env)], "RAIZ_STEPS="+steps, "RAIZ_TRACE="+trace, "RAIZ_KILL="+strconv.Itoa(kill))
	if err := c.Run(); kill == 0 && err != nil {
		t.Fatalf("%v: %v: %+v", words, err, said(c))
	}
	var lines []int
	for _, l := range strings.Fields(b.read(t, trace)) {
		n, err := strconv.Atoi(l)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, n)
	}
	return lines, said(c)
}

// chosen are the steps to kill: the first and the last time that each
// statement is reached, so that each is seen in its first and its last state.
func chosen(lines []int) []int {
	first, last := map[int]int{}, map[int]int{}
	for i, l := range lines {
		if _, ok := first[l]; !ok {
			first[l] = i + 1
		}
		last[l] = i + 1
	}
	all := slices.AppendSeq(slices.Collect(maps.Values(first)), maps.Values(last))
	slices.Sort(all)
	return slices.Compact(all)
}

// prelude is how many statements only set variables before the verb is read.
const prelude = 12

// Whatever runs on the server may be killed before any of its statements.
// What systemd runs next, the timer or the boot, leads to the old generation
// whole or to the new one whole.
func TestKilledAtEveryStatement(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the script some hundred times")
	}
	tr := newTracer(t)
	for _, s := range shells() {
		for _, m := range moments() {
			t.Run(s.name+"/"+m.verb, func(t *testing.T) { killEach(t, tr, s, m) })
		}
	}
}

func killEach(t *testing.T, tr tracer, s interpreter, m moment) {
	b := newBox(t, s)
	b.stand(t)
	old := b.effect(t)
	m.ready(t, b)
	whole := b.copyTo(t, t.TempDir())
	lines, a := tr.run(t, whole, 0, m.words(t, whole)...)
	a.has(t, m.says)
	kills := chosen(lines)
	if m.verb != "apply" {
		kills = kills[prelude:] // the same for every verb, and done already
	}
	if s.applets {
		// A sample: the order of the statements is the same.
		for i := range len(kills) / 9 {
			kills[i] = kills[9*i]
		}
		kills = kills[:len(kills)/9]
	}
	t.Logf("%d steps, %d of them killed", len(lines), len(kills))
	next := make(chan int)
	var workers sync.WaitGroup
	dir := t.TempDir()
	for range 2 {
		workers.Go(func() {
			for kill := range next {
				t.Run(fmt.Sprintf("line %d step %d", lines[kill-1], kill), func(t *testing.T) {
					here := b.copyTo(t, filepath.Join(dir, strconv.Itoa(kill)))
					killOne(t, tr, here, m, kill, old)
					if err := os.RemoveAll(here.dir); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
	for _, kill := range kills {
		next <- kill
	}
	close(next)
	workers.Wait()
}

func killOne(t *testing.T, tr tracer, b *box, m moment, kill int, old map[string]string) {
	if m.verb == "boot" {
		b.powerOn(t)
	}
	if _, a := tr.run(t, b, kill, m.words(t, b)...); a.code != -1 {
		t.Fatalf("not killed: %+v", a)
	}
	_, err := os.Stat(b.home("pending"))
	pending := err == nil
	_, err = os.Stat(b.stub("timer"))
	timed := err == nil
	if m.verb == "boot" {
		b.startQueued(t) // whatever became of the script
	}
	// Every other time the power goes too, and with it every timer.
	if timed && kill%2 == 0 {
		if a := b.fire(t); a.code != 0 {
			t.Errorf("timer: %+v", a)
		}
	} else {
		if a := b.boot(t); a.code != 0 {
			t.Errorf("boot: %+v", a)
		}
	}
	tree := b.effect(t)
	for path := range tree {
		if !strings.HasSuffix(path, ".raiz-new") && !strings.HasSuffix(path, ".raiz-old") {
			continue
		}
		delete(tree, path)
		if pending {
			t.Errorf("%s was left behind", path)
		}
	}
	if pending {
		b.clean(t)
	}
	want := old
	if b.status(t).Current == "1" {
		want = b.changed(t, small(t), old)
	}
	if diff := cmp.Diff(want, tree); diff != "" {
		t.Errorf("effect (-want +got):\n%s", diff)
	}
	if kill%3 == 0 {
		b.next(t)
	}
}

// next shows that another change can be made, and leaves nothing behind.
func (b *box) next(t *testing.T) {
	t.Helper()
	a := b.apply(t, shell.Generation{Puts: small(t).Puts[:1]})
	number, _, _ := strings.Cut(strings.TrimPrefix(a.out, "generation "), "\n")
	a.has(t, "active "+number)
	b.confirm(t, number).has(t, "confirmed "+number)
	b.clean(t)
	for path := range b.effect(t) {
		if strings.HasSuffix(path, ".raiz-new") || strings.HasSuffix(path, ".raiz-old") {
			t.Errorf("%s was left behind by the next change", path)
		}
	}
}
