// Definitions of the shim's functions for programs that load it when they need it: libtorch takes a fifth of a second to load.
//
// They are weak. A program that is also linked with CTorchShim has its strong definitions, and uses nothing from here. In
// one that is not, each function jumps where its slot says: first to the code that loads the library and fills all slots,
// then to the function of the library. All registers that may hold arguments are kept (System V ABI, x86-64).
#if defined(__linux__) && defined(__x86_64__)

#define CALL(name) \
  .Lslot_##name: .quad .Lfirst_##name;
  .data
  .p2align 3
  .hidden ct_slots
  .globl ct_slots
ct_slots:
#include "calls.inc"
#undef CALL

// r11 belongs to nobody at a call; it holds the address of the slot.
#define CALL(name) \
  .p2align 4; .weak name; .hidden name; .type name, @function; \
  name: jmp *.Lslot_##name(%rip); \
  .Lfirst_##name: leaq .Lslot_##name(%rip), %r11; jmp .Lload; \
  .size name, . - name;
  .text
#include "calls.inc"
#undef CALL

  .p2align 4
  .type .Lload, @function
.Lload:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq %rdi
  pushq %rsi
  pushq %rdx
  pushq %rcx
  pushq %r8
  pushq %r9
  pushq %rax
  pushq %r11
  subq $128, %rsp // with the registers and the return address a multiple of 16
  movups %xmm0, (%rsp)
  movups %xmm1, 16(%rsp)
  movups %xmm2, 32(%rsp)
  movups %xmm3, 48(%rsp)
  movups %xmm4, 64(%rsp)
  movups %xmm5, 80(%rsp)
  movups %xmm6, 96(%rsp)
  movups %xmm7, 112(%rsp)
  call ct_load
  movups (%rsp), %xmm0
  movups 16(%rsp), %xmm1
  movups 32(%rsp), %xmm2
  movups 48(%rsp), %xmm3
  movups 64(%rsp), %xmm4
  movups 80(%rsp), %xmm5
  movups 96(%rsp), %xmm6
  movups 112(%rsp), %xmm7
  addq $128, %rsp
  popq %r11
  popq %rax
  popq %r9
  popq %r8
  popq %rcx
  popq %rdx
  popq %rsi
  popq %rdi
  popq %rbp
  .cfi_def_cfa %rsp, 8
  jmp *(%r11)
  .cfi_endproc
  .size .Lload, . - .Lload

  .section .note.GNU-stack, "", @progbits
#endif
