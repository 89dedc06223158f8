package apply

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// transaction stages, activates with the revert armed on the server, connects
// anew, gates and confirms. It leaves the server with the new generation
// confirmed, or reverting.
func transaction(ctx context.Context, p plan.Plan, want *state.Set, d Deps, j *Journal) error {
	start := time.Now()
	bundle, err := server.Pack(generation(p, want))
	if err == nil {
		err = activate(ctx, bundle, d, j)
	}
	if err != nil {
		j.add("server", j.Outcome, err, start)
		return err
	}
	j.add("activate", Done, nil, start)

	start = time.Now()
	if err := prove(ctx, want, d, j); err != nil {
		j.add("confirm", j.Outcome, err, start)
		return err
	}
	j.add("confirm", Done, nil, start)
	return nil
}

// activate uploads and starts the change. When it returns nil the change has
// been started: it may be active, or the connection ended while it was made.
func activate(ctx context.Context, b server.Bundle, d Deps, j *Journal) error {
	j.Outcome = Failed
	path := "/tmp/raiz-" + strings.ToLower(rand.Text()) + ".tar"
	if err := d.Server.Upload(ctx, path, b.Tar); err != nil {
		return fmt.Errorf("upload generation: %w; nothing was changed", err)
	}
	result, err := d.Server.Run(ctx, server.Apply(d.Who, b, path, d.RevertAfter))
	answer := readAnswer(result.Stdout)
	j.Generation = answer["generation"]
	switch {
	case answer["armed"] == "" && err == nil:
		return fmt.Errorf("prepare generation: %s; nothing was changed", refusal(result))
	case answer["armed"] == "":
		j.Outcome = Unknown
		return fmt.Errorf("prepare generation: %w; nothing was changed, or it reverts within %s", err, d.RevertAfter)
	case answer["reverted"] != "":
		j.Outcome = Reverted
		return fmt.Errorf("activate: the server reverted: %s", answer["reverted"])
	case answer["active"] == "" && err == nil:
		j.Outcome = Unknown
		return fmt.Errorf("activate: %s; it reverts within %s unless it was active", refusal(result), d.RevertAfter)
	}
	// Active, or the connection ended after the revert had been armed: a new
	// one will tell.
	return nil
}

// prove connects anew, gates and confirms.
func prove(ctx context.Context, want *state.Set, d Deps, j *Journal) error {
	ctx, cancel := context.WithTimeout(ctx, d.RevertAfter)
	defer cancel()
	conn, err := reconnect(ctx, d)
	if err != nil {
		j.Outcome = Reverted
		return fmt.Errorf("no new connection to the declared address, so the server reverts by itself within %s: %w", d.RevertAfter, err)
	}
	defer conn.Close()
	if err := d.Gate(ctx, conn); err != nil {
		return takeBack(ctx, conn, d, j, err)
	}
	result, err := conn.Run(ctx, server.Confirm(d.Who, j.Generation, units(want)))
	switch {
	case err != nil:
		j.Outcome = Unknown
		return fmt.Errorf("confirm: %w; generation %s is confirmed or reverts by itself: the next plan tells", err, j.Generation)
	case readAnswer(result.Stdout)["confirmed"] != j.Generation:
		return takeBack(ctx, conn, d, j, errors.New(refusal(result)))
	}
	return nil
}

// reconnect asks again until the deadline: the address may still be moving.
func reconnect(ctx context.Context, d Deps) (Server, error) {
	for {
		conn, err := d.Reconnect(ctx)
		if err == nil || errors.Is(err, remote.ErrHostKey) || errors.Is(err, remote.ErrAuth) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second):
		}
	}
}

// takeBack reverts at once instead of waiting for the timer. When it cannot,
// the timer does.
func takeBack(ctx context.Context, conn Server, d Deps, j *Journal, reason error) error {
	j.Outcome = Reverted
	// The revert may cut the very connection that asks for it.
	_, err := conn.Run(ctx, server.Revert(d.Who, j.Generation, oneLine(reason)))
	if err != nil && d.Log != nil {
		d.Log.Warn("the revert was asked for and not seen to end", "error", err)
	}
	return fmt.Errorf("reverted, because: %w", reason)
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
func refusal(r remote.Result) string {
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
		said = append(said, fmt.Sprintf("exit %d: %s", r.Code, r.Stderr))
	}
	return strings.Join(said, "; ")
}
