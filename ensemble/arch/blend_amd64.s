#include "textflag.h"

// func addRows(sums *uint32, above, below *byte, blocks int, weights uint32)
TEXT ·addRows(SB), NOSPLIT, $0-36
	MOVQ sums+0(FP), DI
	MOVQ above+8(FP), SI
	MOVQ below+16(FP), DX
	MOVQ blocks+24(FP), CX
	MOVL weights+32(FP), AX
	VMOVD AX, X0
	VPBROADCASTD X0, Y0

loop:
	TESTQ CX, CX
	JZ    done
	VMOVDQU (SI), X1
	VMOVDQU (DX), X2

	// Samples of both rows side by side, widened to 16 bits: a0 b0 a1 b1 …
	VPUNPCKLBW X2, X1, X3
	VPUNPCKHBW X2, X1, X4
	VPMOVZXBW  X3, Y3
	VPMOVZXBW  X4, Y4

	// a·upper + b·lower in 32 bits.
	VPMADDWD Y0, Y3, Y3
	VPMADDWD Y0, Y4, Y4
	VPADDD   (DI), Y3, Y3
	VPADDD   32(DI), Y4, Y4
	VMOVDQU  Y3, (DI)
	VMOVDQU  Y4, 32(DI)
	ADDQ     $16, SI
	ADDQ     $16, DX
	ADDQ     $64, DI
	DECQ     CX
	JMP      loop

done:
	VZEROUPPER
	RET
