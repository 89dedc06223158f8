package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"

	"github.com/raiz-dns/raiz/provision/report/messages"
)

//go:embed page.html.tmpl page.css
var pageFiles embed.FS

// HTML writes a verification as a page of its own, which fetches nothing and
// runs nothing: html/template escapes whatever stands in it, and the policy
// holds where it would not. It lets one style in, by its digest.
func HTML(w io.Writer, r Report, words messages.Table) error {
	style, err := pageFiles.ReadFile("page.css")
	if err != nil {
		return err
	}
	t, err := template.ParseFS(pageFiles, "page.html.tmpl")
	if err == nil {
		_, err = t.New("style").Parse(string(style))
	}
	if err != nil {
		return err
	}
	sum := sha256.Sum256(style)
	return t.Execute(w, htmlPage{newPage(r, words), base64.StdEncoding.EncodeToString(sum[:])})
}

// htmlPage is a page as the template reads it.
type htmlPage struct {
	page
	StyleSum string
}

// htmlRow is a check with the words around it.
type htmlRow struct {
	Row   *pageRow
	Words labels
}

// Row gives a check the words that stand around it.
func (p htmlPage) Row(r *pageRow) htmlRow { return htmlRow{r, p.Words} }
