package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A mutant that has had so many seconds of a processor goes on for ever; how long
// that takes is the matter of whoever else uses the machine.
const (
	mutantSeconds = "60"
	mutantTime    = time.Hour
)

// verdict is what became of a mutant: killed, hangs, own where the helper's own
// tests see it, survived, or never was anything else than the code.
type verdict struct{ What, End string }

// figures are what docs/figures.json has of mutants. One that hangs was seen.
type figures struct {
	Killed    int      `json:"killed"`
	Hangs     int      `json:"hangs"`
	Own       int      `json:"own"` // no world has seen it, and the helper's own tests do
	Survived  int      `json:"survived"`
	Unmet     int      `json:"unmet"` // no world came by
	Survivors []string `json:"survivors"`
}

// TestMutants explores once, and notes for each mutant of the transaction worlds
// in which it would have done something else; in these it is tried, until one
// breaks a promise. It is for `make mutants`, and names those that nobody has
// noticed. RAIZ_MUTANTS is 1 or part of a name of a file and a line;
// RAIZ_MUTANTS_OUT a file for what docs quote, as JSON.
func TestMutants(t *testing.T) {
	only := os.Getenv("RAIZ_MUTANTS")
	if only == "" {
		t.Log("this is for make mutants")
		return
	}
	dir := t.TempDir()
	program, all := buildMutants(t, dir)
	own := buildOwn(t, dir)
	explore := exec.CommandContext(t.Context(), program, "-test.run", "TestWhereItMatters$", "-test.timeout", "1h")
	explore.Env = append(os.Environ(), worldsDir+"="+dir, "GOMAXPROCS=1") // what matters is noted for one world at a time
	if out, err := explore.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ends := make([]verdict, len(all))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				ends[i] = verdict{all[i], tryMutant(t, program, dir, i+1)}
				if unseen := ends[i].End == "survived" || ends[i].End == "unmet"; unseen && tryOwn(t, own, i+1) != nil {
					ends[i].End = "own"
				}
				t.Logf("%s: %s", ends[i].End, ends[i].What)
			}
		})
	}
	for i, what := range all {
		if only == "1" || strings.Contains(what, only) {
			next <- i
		}
	}
	close(next)
	workers.Wait()
	f := count(ends)
	t.Logf("%d mutants: %d killed, %d hang, %d seen by the helper's own tests, %d survived, %d unmet", len(all), f.Killed, f.Hangs, f.Own, f.Survived, f.Unmet)
	if f.Killed == 0 {
		t.Error("no mutant was seen")
	}
	known := reasons(t)
	for _, v := range ends {
		if _, ok := known[v.What]; !ok && (v.End == "survived" || v.End == "unmet") {
			t.Errorf("%s: %s: give it a case, or a reason in %s", v.End, v.What, reasonsDir)
		}
	}
	keepFigures(t, os.Getenv("RAIZ_MUTANTS_OUT"), f)
}

func count(ends []verdict) figures {
	var f figures
	for _, v := range ends {
		switch v.End {
		case "killed":
			f.Killed++
		case "hangs":
			f.Hangs++
		case "own":
			f.Own++
		case "unmet":
			f.Unmet++
			f.Survivors = append(f.Survivors, v.What+" (no world came by)")
		case "survived":
			f.Survived++
			f.Survivors = append(f.Survivors, v.What)
		}
	}
	return f
}

// keepFigures writes what docs quote, where a file is named for it.
func keepFigures(t *testing.T, file string, v any) {
	if file == "" {
		return
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// elsewhere are sources of what no world of the simulation asks for: their own
// tests see it.
func elsewhere() []string {
	return []string{"console.go", "doc.go", "drain.go", "look.go", "os.go", "serve.go"}
}

// mutateAll makes the mutants of the transaction, and has put take each source
// with them. It returns their names.
func mutateAll(t *testing.T, put func(path string, text []byte)) []string {
	t.Helper()
	m := &mutator{}
	sources, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		name := filepath.Base(source)
		if strings.HasSuffix(name, "_test.go") || slices.Contains(elsewhere(), name) {
			continue
		}
		path, err := filepath.Abs(source)
		if err != nil {
			t.Fatal(err)
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := m.mutate(name, src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		put(path, text)
	}
	return m.what
}

// buildMutants builds one program of this package's tests that holds all
// mutants.
func buildMutants(t *testing.T, dir string) (program string, all []string) {
	t.Helper()
	replace := map[string]string{}
	put := func(path string, text []byte) {
		file := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = file
	}
	all = mutateAll(t, put)
	for name, text := range map[string]string{"../switchboard.go": switchboard, "mattered_test.go": matteredSource} {
		path, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		put(path, []byte(text))
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	put("overlay.json", text)
	program = filepath.Join(dir, "mutants.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program, all
}

// tryMutant has one mutant live through the worlds in which it matters.
func tryMutant(t *testing.T, program, dir string, n int) string {
	if _, err := os.Stat(worldsOf(dir, n)); err != nil {
		return "unmet"
	}
	ctx, cancel := context.WithTimeout(t.Context(), mutantTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -t "$0" && exec "$@"`, mutantSeconds, program, "-test.run", "TestMutantsWorlds$", "-test.timeout", "1h")
	cmd.Env = append(os.Environ(), fmt.Sprintf("RAIZ_MUTANT=%d", n), worldsDir+"="+dir, "GOMAXPROCS=1")
	err := cmd.Run()
	switch {
	case err == nil:
		return "survived"
	case ctx.Err() != nil || cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == -1:
		return "hangs" // a signal has ended it
	}
	return "killed"
}

// buildOwn builds the helper's own tests with all mutants, and wants them green
// with none.
func buildOwn(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "own.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "..").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := tryOwn(t, program, -1); err != nil {
		t.Fatalf("the helper's own tests without a mutant: %v", err)
	}
	return program
}

// tryOwn runs the helper's own tests with one mutant; its error says that they saw it.
func tryOwn(t *testing.T, program string, n int) error {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.timeout", "1m")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), fmt.Sprintf("RAIZ_MUTANT=%d", n))
	return cmd.Run()
}
