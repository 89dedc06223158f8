package apply

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// transaction stages, activates with the revert armed on the server, connects
// anew, gates and confirms. It leaves the server with the new generation
// confirmed, or reverting.
func transaction(ctx context.Context, p plan.Plan, want *state.Set, d Deps, j *Journal) error {
	bundle, err := shell.Pack(generation(p, want))
	if err != nil {
		j.Outcome = Failed
		return fmt.Errorf("pack generation: %w", err)
	}
	path := "/tmp/raiz-" + strings.ToLower(rand.Text()) + ".tar"
	return guarded(ctx, want, d, j, p.Risk(state.MayCutAccess), func(ctx context.Context) (remote.Script, error) {
		if err := d.Server.Upload(ctx, path, bundle.Tar); err != nil {
			return remote.Script{}, fmt.Errorf("upload generation: %w", err)
		}
		return shell.Apply(d.By, bundle, path, d.RevertAfter), nil
	})
}

// Rollback makes an earlier generation the new one, as guarded as any other
// change. want is what the site file declares; its units have to run.
func Rollback(ctx context.Context, generation string, want *state.Set, d Deps) (Journal, error) {
	j := Journal{Outcome: NotTried}
	err := guarded(ctx, want, d, &j, true, func(context.Context) (remote.Script, error) {
		return shell.Rollback(d.By, generation, d.RevertAfter), nil
	})
	if err == nil {
		j.Outcome = Done
	}
	return j, err
}

// guarded runs one change of the server from lifeline to confirmation.
func guarded(ctx context.Context, want *state.Set, d Deps, j *Journal, risky bool, begin func(context.Context) (remote.Script, error)) error {
	start := time.Now()
	if risky && d.Lifeline != nil {
		if err := d.Lifeline(ctx); err != nil {
			err = fmt.Errorf("%w: this may cut the access to the server, and the other way in does not answer: %w; mend it, or have somebody on site and say --hands-on-site", ErrNotApplicable, err)
			j.add(verdict.New("apply.lifeline"), Failed, err, start)
			j.Outcome = Failed
			return err
		}
	}
	if err := activate(ctx, begin, d, j); err != nil {
		j.add(verdict.New("apply.activate"), j.Outcome, err, start)
		return err
	}
	j.add(verdict.New("apply.activate"), Done, nil, start)
	start = time.Now()
	if err := prove(ctx, want, d, j); err != nil {
		j.add(verdict.New("apply.confirm"), j.Outcome, err, start)
		return err
	}
	j.add(verdict.New("apply.confirm"), Done, nil, start)
	return nil
}

// activate starts the change. When it returns nil the change has been
// started: it may be active, or the connection ended while it was made.
func activate(ctx context.Context, begin func(context.Context) (remote.Script, error), d Deps, j *Journal) error {
	j.Outcome = Failed
	script, err := begin(ctx)
	if err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	result, err := d.Server.Run(ctx, script)
	answer := readAnswer(result.Stdout)
	j.Generation = answer["generation"]
	switch {
	case answer["armed"] == "" && err == nil:
		return fmt.Errorf("prepare generation: %w; nothing was changed", refusal(result))
	case answer["armed"] == "":
		return witness(ctx, d, j, fmt.Errorf("prepare generation: %w", err))
	case answer["reverted"] != "":
		j.Outcome = Reverted
		return fmt.Errorf("the server reverted: %s", answer["reverted"])
	case answer["active"] == "" && err == nil:
		j.Outcome = Unknown
		return fmt.Errorf("activate: %w; it reverts within %s unless it was active", refusal(result), d.RevertAfter)
	}
	// Active, or the connection ended after the revert had been armed: a new
	// one will tell.
	return nil
}

// prove connects anew, gates and confirms. A connection that is older than
// the change proves nothing: when the server says that it was not active yet,
// the next one is made.
func prove(ctx context.Context, want *state.Set, d Deps, j *Journal) error {
	bounded, cancel := context.WithTimeout(ctx, d.RevertAfter)
	defer cancel()
	for {
		conn, err := reconnect(bounded, d)
		if conn == nil {
			return witness(ctx, d, j, fmt.Errorf("no new connection to the declared address: %w", err))
		}
		again, err := confirm(bounded, conn, want, d, j, err)
		_ = conn.Close() // what was to be said over it has been said
		if !again {
			return err
		}
		_ = await.For(bounded, time.Second) // the next connection says when the time is over
	}
}

// confirm gates and confirms over one connection. again is true when it came
// too early; late is why it did not come earlier, or nil.
func confirm(ctx context.Context, conn Server, want *state.Set, d Deps, j *Journal, late error) (again bool, err error) {
	if err := d.Gate(ctx, conn); err != nil {
		return false, takeBack(ctx, conn, d, j, err)
	}
	result, err := conn.Run(ctx, shell.Confirm(d.By, j.Generation, units(want)))
	answer := readAnswer(result.Stdout)
	switch {
	case answer["confirmed"] == j.Generation:
		return false, nil
	case answer["early"] == j.Generation && ctx.Err() == nil:
		return true, nil
	case answer["late"] == j.Generation:
		if late == nil {
			late = errors.New("the first attempt came through when the server had reverted")
		}
		return false, witness(context.WithoutCancel(ctx), d, j, fmt.Errorf("no new connection to the declared address in time: %w", late))
	case err != nil:
		return false, witness(context.WithoutCancel(ctx), d, j, fmt.Errorf("confirm: %w", err))
	}
	return false, takeBack(ctx, conn, d, j, refusal(result))
}

// reconnect asks again until the deadline: the address may still be moving.
// Beside the connection it returns why it did not come sooner, if it did not.
func reconnect(ctx context.Context, d Deps) (Server, error) {
	var conn Server
	var late error
	err := await.Until(ctx, time.Second, func(ctx context.Context) (bool, error) {
		fresh, err := d.Reconnect(ctx)
		switch {
		case err == nil:
			conn = fresh
			return true, nil
		case errors.Is(err, remote.ErrHostKey), errors.Is(err, remote.ErrAuth):
			late = err
			return false, err
		case late == nil || ctx.Err() == nil:
			late = err
		}
		return false, nil
	})
	if err != nil {
		return nil, late
	}
	return conn, late
}

// witnessTimeout is how long the server may take to revert once its timer has
// fired.
const witnessTimeout = 30 * time.Second

// witness waits until the server says, wherever it answers, how the change
// ended without us. reason is why nobody could confirm it, or could see that
// somebody had.
func witness(ctx context.Context, d Deps, j *Journal, reason error) error {
	j.Outcome = Unknown
	ctx, cancel := context.WithTimeout(ctx, d.RevertAfter+witnessTimeout)
	defer cancel()
	var t shell.Transaction
	err := await.Until(ctx, time.Second, func(ctx context.Context) (bool, error) {
		var err error
		t, err = ask(ctx, d)
		return err == nil && t.Pending == "", nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w; whether the server has reverted could not be seen: the next plan tells", reason)
	case t.Current == j.Generation && j.Generation != "":
		return nil // the confirmation had arrived after all
	case t.Reverted == "":
		j.Outcome = Failed
		return fmt.Errorf("%w; nothing was changed", reason)
	}
	j.Outcome = Reverted
	return fmt.Errorf("%w; the server is back: it reverted generation %s", reason, t.Reverted)
}

func ask(ctx context.Context, d Deps) (shell.Transaction, error) {
	conn, err := d.Old(ctx)
	if err != nil {
		return shell.Transaction{}, err
	}
	defer conn.Close()
	result, err := conn.Run(ctx, shell.Status(d.By))
	if err != nil {
		return shell.Transaction{}, err
	}
	return shell.ParseStatus(result.Stdout)
}

// takeBackTimeout bounds the asking; the timer on the server needs no asking.
const takeBackTimeout = time.Minute

// takeBack reverts at once instead of waiting for the timer, and sees it end:
// the revert may cut the very connection that asks for it.
func takeBack(ctx context.Context, conn Server, d Deps, j *Journal, reason error) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	result, err := conn.Run(bounded, shell.Revert(d.By, j.Generation, oneLine(reason)))
	if err == nil && readAnswer(result.Stdout)["reverted"] != "" {
		j.Outcome = Reverted
		return fmt.Errorf("%w; the server is back", reason)
	}
	return witness(context.WithoutCancel(ctx), d, j, reason)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func units(want *state.Set) []string {
	var out []string
	for it := range want.Of(state.Unit) {
		if s, ok := it.Value.(state.Service); ok && s.Active {
			out = append(out, it.Key.Name)
		}
	}
	return out
}

// readAnswer reads the "word value" lines of the script; of a word that comes
// twice the first counts.
func readAnswer(out []byte) map[string]string {
	answer := map[string]string{}
	for line := range strings.Lines(string(out)) {
		word, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if _, seen := answer[word]; ok && !seen {
			answer[word] = value
		}
	}
	return answer
}

// refusal says why the script stopped, in its own words.
func refusal(r remote.Result) error {
	var said []string
	for line := range strings.Lines(string(r.Stdout)) {
		line = strings.TrimSpace(line)
		for _, word := range []string{"check-failed ", "error "} {
			if rest, ok := strings.CutPrefix(line, word); ok {
				said = append(said, rest)
			}
		}
	}
	if len(said) == 0 {
		return fmt.Errorf("exit %d: %s", r.Code, r.Stderr)
	}
	return errors.New(strings.Join(said, "; "))
}
