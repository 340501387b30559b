/** Key files that the rules of lint show. Their keys are nobody's. */

export const A = 'encr_alg aes encrkey 8d2e1f60b7c94a35d1e0f2a3948576c1b2d3e4f5061728394a5b6c7d8e9f0a1b';
export const B = 'encr_alg aes encrkey 1b0a9f8e7d6c5b4a39281706f5e4d3b2c1768594a3f2e0d1354ac9b7601f2e8d';
export const AUTH_A = 'auth_alg sha256 authkey 5f1c0b2a3948576e7d8c9bafbecdd0e1f2031425364758697a8b9cadbecfd0e1';
export const AUTH_B = 'auth_alg sha256 authkey e1d0cfbead9c8b7a69584736251403f2e1d0cdbeaf9b8c7d6e5748392a0b1c5f';
export const LIFE = 'hard_addtime 604800 soft_addtime 518400';
export const OUT = `add esp spi 0x1001 src 10.0.0.1 dst 10.0.0.9 ${A} ${AUTH_A} ${LIFE}\n`;
export const IN = `add esp spi 0x1002 src 10.0.0.9 dst 10.0.0.1 ${B} ${AUTH_B} ${LIFE}\n`;
export const GOOD = OUT + IN;
