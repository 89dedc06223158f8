package report_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
)

// A page is shown by a real browser as it is meant to be: on a phone nothing
// has to be moved sideways, nothing is fetched, nothing is said on the console,
// its style is let in by its own policy, and it prints on A4. RAIZ_PICTURES=DIR
// keeps what it looks like.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	b := newBrowser(t)
	for name, r := range map[string]report.Report{
		"good": handedOver(t, "root-example"), "red": turnedRed(t, "root-example"), "crowded": crowded(t), "as112": handedOver(t, "as112-gru1"), "everything": everything(t),
	} {
		for _, language := range messages.Languages() {
			if language != "en" && name != "good" && name != "red" {
				continue
			}
			b.open(inHTML(t, r, language))
			b.look(name+"."+language, language == "en" && (name == "red" || name == "good"))
		}
	}
}

// look holds the page that is open against what it has to be.
func (b *browser) look(name string, print bool) {
	t := b.t
	t.Helper()
	for _, width := range []int{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.screen(width, scheme)
			var has struct{ Scroll, Inner, Font float64 }
			b.value(`({Scroll: document.scrollingElement.scrollWidth, Inner: innerWidth, Font: parseFloat(getComputedStyle(document.querySelector("h1")).fontSize)})`, &has)
			if has.Inner != float64(width) || has.Scroll > has.Inner {
				t.Errorf("%s: %v wide at %v, of %d", name, has.Scroll, has.Inner, width)
			}
			if has.Font < 20 {
				t.Errorf("%s: its style is not in effect", name)
			}
			var outside []string
			b.value(`Array.from(document.querySelectorAll(".page *")).filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).clipPath == "none" && !e.closest("thead, svg")).map(e => e.outerHTML.slice(0, 100))`, &outside)
			if len(outside) > 0 {
				t.Errorf("%s: at %d stands outside: %.300q", name, width, outside)
			}
			if print || os.Getenv("RAIZ_PICTURES") != "" {
				keep(t, fmt.Sprintf("%s.%d.%s.png", name, width, scheme), b.screenshot())
			}
		}
	}
	if print || os.Getenv("RAIZ_PICTURES") != "" {
		pdf := b.print()
		keep(t, name+".pdf", pdf)
		// A4 is 595 by 842 points (ISO 216).
		if box := regexp.MustCompile(`/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]`).FindSubmatch(pdf); box == nil || !strings.HasPrefix(string(box[1]), "59") || !strings.HasPrefix(string(box[2]), "84") {
			t.Errorf("%s: not printed on A4: %s", name, box)
		}
	}
	if len(b.complaints) > 0 {
		t.Errorf("%s: the console has %.500q", name, b.complaints)
	}
	if len(b.requests) != 1 || !strings.HasPrefix(b.requests[0], "file://") {
		t.Errorf("%s: it has fetched %.300q", name, b.requests)
	}
}
