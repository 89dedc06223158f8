package report_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// browser is a Chromium without a window, which is spoken to by the DevTools
// protocol over two pipes (--remote-debugging-pipe): JSON, each with a zero
// byte behind it.
type browser struct {
	t       *testing.T
	to      *os.File
	from    *bufio.Reader
	session string
	id      int
	// complaints are what pages have brought to the console, and what the policy
	// has kept them from.
	complaints []string
	requests   []string // that pages have made
	loaded     bool
}

// saidByBrowser is a message of it: an answer, or an event.
type saidByBrowser struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// need skips a test that lacks a program. In CI nothing may be skipped but in
// a short run.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true" && !testing.Short():
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}

// newBrowser starts one, which ends with the test.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	program := need(t, "chromium")
	inside, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, outside, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// Its sandbox does not work for root, who runs the tests. What it shows is
	// ours.
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{inside, outside} // 3 and 4
	var stderr bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &stderr, 5*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	inside.Close()
	outside.Close()
	// A browser that hangs would have the test hang.
	late := time.AfterFunc(50*time.Second, func() { _ = cmd.Process.Kill() })
	b := &browser{t: t, to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		late.Stop()
		_, _ = to.WriteString(`{"id":1000000,"method":"Browser.close"}` + "\x00")
		to.Close()
		if err := cmd.Wait(); err != nil {
			t.Logf("chromium: %v\n%.2000s", err, stderr.String())
		}
		from.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call asks for one thing and waits for the answer; events before it are kept.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.id++
	m := map[string]any{"id": b.id, "method": method, "params": params}
	if params == nil {
		m["params"] = map[string]any{}
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		a := b.next()
		if a.ID != b.id {
			continue
		}
		if a.Error != nil {
			b.t.Fatalf("%s: %s", method, a.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(a.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return
	}
}

func (b *browser) next() saidByBrowser {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("chromium is gone: %v", err)
	}
	var a saidByBrowser
	if err := json.Unmarshal(bytes.TrimRight(text, "\x00"), &a); err != nil {
		b.t.Fatal(err)
	}
	switch a.Method {
	case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
		b.complaints = append(b.complaints, string(a.Params))
	case "Network.requestWillBeSent":
		var p struct {
			Request struct {
				URL string `json:"url"`
			} `json:"request"`
		}
		if err := json.Unmarshal(a.Params, &p); err != nil {
			b.t.Fatal(err)
		}
		b.requests = append(b.requests, p.Request.URL)
	case "Page.loadEventFired":
		b.loaded = true
	}
	return a
}

// open shows a page as it is in a file.
func (b *browser) open(text string) {
	b.t.Helper()
	name := filepath.Join(b.t.TempDir(), "page.html")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.loaded, b.complaints, b.requests = false, nil, nil
	b.call("Page.navigate", map[string]any{"url": "file://" + name}, nil)
	for !b.loaded {
		b.next()
	}
}

// screen is how wide it is, and whether its user likes the dark.
func (b *browser) screen(width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "screen", "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// value is what an expression comes to in the page. The policy keeps pages from
// running anything; the protocol is not held to it.
func (b *browser) value(expression string, into any) {
	b.t.Helper()
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		ExceptionDetails json.RawMessage `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	if err := json.Unmarshal(r.Result.Value, into); err != nil {
		b.t.Fatalf("%s: %s: %v", expression, r.Result.Value, err)
	}
}

// data is what a method answers in base64.
func (b *browser) data(method string, params map[string]any) []byte {
	b.t.Helper()
	var r struct {
		Data string `json:"data"`
	}
	b.call(method, params, &r)
	out, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil || len(out) == 0 {
		b.t.Fatalf("%s: %d bytes, %v", method, len(out), err)
	}
	return out
}

func (b *browser) screenshot() []byte {
	return b.data("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true})
}

// print is the page on paper, of somebody who likes the dark.
func (b *browser) print() []byte {
	b.t.Helper()
	b.call("Emulation.clearDeviceMetricsOverride", nil, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "", "features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}}, nil)
	return b.data("Page.printToPDF", map[string]any{"preferCSSPageSize": true, "printBackground": false})
}

// keep writes a picture where somebody wants to see it.
func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if dir := os.Getenv("RAIZ_PICTURES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Error(err)
		}
	}
}
