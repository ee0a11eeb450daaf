/** Workers hand out a Module, neither the bytes nor an instance. */
declare module "argon2id/dist/simd.wasm" {
  const simd: WebAssembly.Module;
  export default simd;
}
