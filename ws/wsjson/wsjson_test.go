package wsjson_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/ws"
	"strata/ws/wsjson"
)

type greeting struct {
	Name string
	Age  int
}

// serve answers each greeting with one of somebody a year older; its error goes
// to errs.
func serve(t testing.TB) (url string, errs chan error) {
	errs = make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		for err == nil {
			var g greeting
			if err = wsjson.Read(context.Background(), c, &g); err == nil {
				g.Age++
				err = wsjson.Write(context.Background(), c, g)
			}
		}
		errs <- err
	}))
	if t != nil {
		t.Cleanup(srv.Close)
	}
	return srv.URL, errs
}

// Values go and come; what cannot be encoded is not sent.
func TestReadAndWrite(t *testing.T) {
	url, errs := serve(t)
	c, _, err := ws.Dial(t.Context(), url, nil)
	require.NoError(t, err)
	require.Error(t, wsjson.Write(t.Context(), c, make(chan int)))
	require.NoError(t, wsjson.Write(t.Context(), c, greeting{"Ada", 36}))
	var g greeting
	require.NoError(t, wsjson.Read(t.Context(), c, &g))
	require.Equal(t, greeting{"Ada", 37}, g)
	require.NoError(t, c.Close(ws.StatusNormalClosure, ""))
	require.Equal(t, ws.StatusNormalClosure, ws.CloseStatus(<-errs))
}

// What is not the JSON that was expected closes the connection, and says so.
func TestNotJSON(t *testing.T) {
	for _, c := range []struct {
		typ  ws.MessageType
		text string
		want ws.StatusCode
	}{
		{ws.MessageText, `{"Name":`, ws.StatusInvalidFramePayloadData},
		{ws.MessageText, `{"Age":"old"}`, ws.StatusInvalidFramePayloadData},
		{ws.MessageBinary, `{}`, ws.StatusUnsupportedData},
	} {
		url, errs := serve(t)
		conn, _, err := ws.Dial(t.Context(), url, nil)
		require.NoError(t, err)
		require.NoError(t, conn.Write(t.Context(), c.typ, []byte(c.text)))
		_, _, err = conn.Read(t.Context())
		require.Equal(t, c.want, ws.CloseStatus(err))
		err = <-errs
		require.ErrorContains(t, err, "wsjson: read")
		var syntax *json.SyntaxError
		if c.text == `{"Name":` {
			require.ErrorAs(t, err, &syntax)
		}
	}
}

func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		wsjson.Write(r.Context(), c, map[string]int{"answer": 42})
		c.Close(ws.StatusNormalClosure, "")
	}))
	defer server.Close()
	ctx := context.Background()
	c, _, err := ws.Dial(ctx, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	var v struct{ Answer int }
	fmt.Println(wsjson.Read(ctx, c, &v), v.Answer)
	// Output: <nil> 42
}
