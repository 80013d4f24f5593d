// Package settings reads the settings of a program into a struct of sections: a TOML
// file, environment variables over it, defaults under it.
//
// A key that is not known is an error with file, line and the nearest known key, because
// a setting that is silently ignored is worse than none.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Load reads the file at path ("" for none), then variables that begin with prefix, such
// as LUNGBOX_, from the environment (as os.Environ gives it). into points to a struct of
// sections with toml tags; it holds the defaults.
func Load(into any, path, prefix string, environ []string) error {
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("config: %w", err)
		}
		if err := decode(into, path, text); err != nil {
			return err
		}
	}
	return override(into, prefix, environ)
}

func decode(into any, path string, text []byte) error {
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(into)
	var unknown *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		first := unknown.Errors[0]
		line, _ := first.Position()
		key := strings.Join(first.Key(), ".")
		return fmt.Errorf("config: %s:%d: unknown key %s: did you mean %s?", path, line, key, nearest(key, Keys(into)))
	case errors.As(err, &wrong):
		line, _ := wrong.Position()
		return fmt.Errorf("config: %s:%d: %s", path, line, strings.TrimPrefix(wrong.Error(), "toml: "))
	case err != nil:
		return fmt.Errorf("config: %s: %w", path, err)
	}
	return nil
}

// Text is the settings as a commented file.
func Text(of any) ([]byte, error) { return toml.Marshal(of) }

// each calls f with every key, e.g. engine.threads, and its value.
func each(of any, f func(key string, value reflect.Value) error) error {
	sections := reflect.ValueOf(of).Elem()
	for i := range sections.NumField() {
		section := sections.Field(i)
		prefix := sections.Type().Field(i).Tag.Get("toml")
		for k := range section.NumField() {
			if err := f(prefix+"."+section.Type().Field(k).Tag.Get("toml"), section.Field(k)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Keys lists all keys.
func Keys(of any) []string {
	var all []string
	_ = each(of, func(key string, _ reflect.Value) error { // never fails: the function does not
		all = append(all, key)
		return nil
	})
	return all
}

// Changed lists the keys that have other values in b than in a, two pointers to structs of
// one type.
func Changed(a, b any) []string {
	values := map[string]any{}
	_ = each(a, func(key string, value reflect.Value) error { // never fails: the function does not
		values[key] = value.Interface()
		return nil
	})
	var changed []string
	_ = each(b, func(key string, value reflect.Value) error {
		if value.Interface() != values[key] {
			changed = append(changed, key)
		}
		return nil
	})
	return changed
}

// EnvironmentName is the variable that sets a key.
func EnvironmentName(prefix, key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// override sets what the environment says.
func override(into any, prefix string, environ []string) error {
	set := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		set[name] = value
	}
	return each(into, func(key string, value reflect.Value) error {
		name := EnvironmentName(prefix, key)
		text, ok := set[name]
		if !ok {
			return nil
		}
		if err := assign(value, text); err != nil {
			return fmt.Errorf("config: environment %s=%q: %w", name, text, err)
		}
		return nil
	})
}

func assign(value reflect.Value, text string) error {
	switch value.Kind() {
	case reflect.String:
		value.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("want a whole number")
		}
		value.SetInt(int64(n))
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("want a number")
		}
		value.SetFloat(f)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("want true or false")
		}
		value.SetBool(b)
	default:
		panic("config: a key of kind " + value.Kind().String())
	}
	return nil
}

// nearest is the known key with the fewest edits from the given one.
func nearest(key string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return edits(key, a) - edits(key, b) })
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
