package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/vramcalc/vramcalc/cmd/internal/question"
	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/site"
)

func newWeb(a *app) *cobra.Command {
	var folder string
	port := int64(8380)
	cmd := &cobra.Command{
		Use:   "web [flags]",
		Short: "Serve the web page on this machine",
		Long: "web serves the calculator's web page to this machine alone, until it is\n" +
			"interrupted. The page computes in the browser and sends nothing anywhere.",
		Args:                  noArguments,
		DisableFlagsInUseLine: true,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return a.web(cmd.Context(), folder, port) },
	}
	cmd.Flags().SortFlags = false
	to := flagAdder{cmd, "Web page"}
	to.add(question.Count{N: &port}, "port", "`n` of the TCP port on the loopback interface", nil)
	to.add(question.Word{Word: &folder}, "folder", "`folder` with the page instead of the one in the program", nil)
	return cmd
}

func (a *app) web(ctx context.Context, folder string, port int64) error {
	files, err := page(folder)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.FormatInt(port, 10)))
	if err != nil {
		return &failure{err, "another program may have the port: take another with --port"}
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	server := &http.Server{Handler: site.Handler(files), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintf(a.stderr, "%s: the page is at http://%s (Ctrl-C ends)\n", programName, listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// page is the folder that was named, or the page in the program.
func page(folder string) (fs.FS, error) {
	if folder == "" {
		files, err := site.Embedded()
		if errors.Is(err, site.ErrNone) {
			return nil, &failure{err, `"make build" makes one with it; or "make web" and then --folder dist/web`}
		}
		return files, err
	}
	files := os.DirFS(folder)
	if _, err := fs.Stat(files, "index.html.br"); err != nil {
		return nil, &failure{fmt.Errorf("--folder %s: no page there: %w", folder, err), `"make web" writes dist/web`}
	}
	return files, nil
}
