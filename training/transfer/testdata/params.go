//go:build ignore

// Prints the parameters of the three nets at 1/16 width as JSON for make_fixtures.py:
// {"resnet50": [{"name": …, "role": …, "shape": […]}, …], …}.
package main

import (
	"encoding/json"
	"os"

	"lungbox/ensemble/arch"
)

func main() {
	type param struct {
		Name  string    `json:"name"`
		Role  arch.Role `json:"role"`
		Shape []int     `json:"shape"`
	}
	nets := map[string][]param{}
	for _, name := range arch.Names() {
		for _, p := range arch.MustNew(arch.Config{Arch: name, Width: 1.0 / 16, Input: 32, Classes: arch.Scores}).Params() {
			nets[name] = append(nets[name], param{p.Name, p.Role, p.Shape})
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(nets); err != nil {
		panic(err)
	}
}
