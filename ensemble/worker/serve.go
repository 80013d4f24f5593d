package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"lungbox/capture"
	"lungbox/ensemble"
)

// Build makes the scorer that a Start asks for and says what it is. The engine has
// run once and the golden frames have come out right when it returns.
type Build func(ctx context.Context, start Start) (ensemble.Scorer, Ready, error)

// Serve is the child: it builds the scorer, then answers frames until the input
// ends. It returns nil at the end of the input.
//
// The caller must see to it that nothing else writes to out: libraries print.
func Serve(ctx context.Context, in io.Reader, out io.Writer, build Build) error {
	reader, writer := bufio.NewReaderSize(in, 1<<20), bufio.NewWriter(out)
	k, payload, err := receive(reader, maxAnswer)
	if errors.Is(err, io.EOF) {
		return nil // the parent thought better of it
	}
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	var start Start
	if k != kindStart {
		return fmt.Errorf("worker: first message is %q: this command is for lungbox itself", byte(k))
	}
	if err := json.Unmarshal(payload, &start); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	scorer, ready, err := build(ctx, start)
	if err != nil {
		return errors.Join(send(writer, kindFailed, []byte(err.Error())), writer.Flush())
	}
	if err := sendJSON(writer, kindReady, ready); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	for {
		if err := writer.Flush(); err != nil {
			return fmt.Errorf("worker: %w", err)
		}
		k, payload, err := receive(reader, maxPayload)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("worker: %w", err)
		}
		if k != kindFrame {
			return fmt.Errorf("worker: message %q where a frame was due", byte(k))
		}
		seq, picture, err := decodeFrame(payload)
		if err != nil {
			return fmt.Errorf("worker: %w", err)
		}
		decision, err := scorer.Score(ctx, &capture.Frame{Image: picture})
		reply := answer{Seq: seq, Score: decision.Score, Reason: decision.Reason, Confidence: decision.Confidence, Votes: decision.Votes, Heat: decision.Heat}
		if err != nil {
			reply.Fault = err.Error()
		}
		if err := sendJSON(writer, kindDecision, reply); err != nil {
			return fmt.Errorf("worker: %w", err)
		}
	}
}
