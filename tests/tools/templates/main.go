// Templates as the project we are compatible with renders them: text/template of the Go version that it is built with,
// the functions of sprig less three, no options.
//
// Reads one case a line (JSON; values are base64) and writes one result a line:
//
//	{"template": "{{ .user }}", "values": {"user": "YWxpY2U="}}
//	{"ok": true, "output": "YWxpY2U="} or {"ok": false, "error": "..."}
//
// With the argument "functions" it writes the type of every function by name instead; with "time THREADS" how long all
// cases took.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// The longest case, and more.
const longest = 64 << 20

type request struct {
	Template string            `json:"template"`
	Values   map[string][]byte `json:"values"`
}

type result struct {
	Ok     bool   `json:"ok"`
	Output []byte `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	functions := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	results := json.NewEncoder(output)
	if len(os.Args) == 2 && os.Args[1] == "functions" {
		types := map[string]string{}
		for name, function := range functions {
			types[name] = reflect.TypeOf(function).String()
		}
		return results.Encode(types)
	}
	if len(os.Args) == 3 && os.Args[1] == "time" {
		return measure(functions, os.Args[2])
	}
	if len(os.Args) != 1 {
		return fmt.Errorf("usage: templates [functions | time THREADS] < CASES")
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		var request request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			return err
		}
		rendered, err := render(functions, request)
		if err != nil {
			err = results.Encode(result{Error: err.Error()})
		} else {
			err = results.Encode(result{Ok: true, Output: rendered})
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

// The name of the template is that of an item; "item" stands for it.
func render(functions template.FuncMap, request request) (rendered []byte, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()
	parsed, err := template.New("item").Funcs(functions).Parse(request.Template)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for key, value := range request.Values {
		values[key] = string(value)
	}
	var buffer bytes.Buffer
	if err := parsed.Execute(&buffer, values); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}
