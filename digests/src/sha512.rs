//! SHA-512 (FIPS 180-4 §6.4), eight streams at once: in AVX-512 side by side, in AVX2 four after four.
#![expect(clippy::inline_always, reason = "only what is inlined is compiled for the vector unit")]
#![expect(clippy::many_single_char_names, reason = "the names of the standard")]

use pulp::NullaryFnOnce;

use crate::vector::{self, Algorithm, LANES, Runs, Vector};
use one::One;
use unit::{Avx2, Avx512, Unit};

/// Eight rounds: `step` is given the eight variables, each time turned by one, and the number of the round.
macro_rules! eight_rounds {
    ($step:ident, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident, $first:expr) => {
        $step!($a, $b, $c, $d, $e, $f, $g, $h, $first);
        $step!($h, $a, $b, $c, $d, $e, $f, $g, $first + 1);
        $step!($g, $h, $a, $b, $c, $d, $e, $f, $first + 2);
        $step!($f, $g, $h, $a, $b, $c, $d, $e, $first + 3);
        $step!($e, $f, $g, $h, $a, $b, $c, $d, $first + 4);
        $step!($d, $e, $f, $g, $h, $a, $b, $c, $first + 5);
        $step!($c, $d, $e, $f, $g, $h, $a, $b, $first + 6);
        $step!($b, $c, $d, $e, $f, $g, $h, $a, $first + 7);
    };
}
use eight_rounds;

mod one;
mod unit;

#[derive(Debug, Clone, Copy)]
pub struct Sha512;

const BLOCK: usize = 128;
const ROUNDS: usize = 80;
type State = [u64; 8];

impl Algorithm for Sha512 {
    type State = State;
    const BLOCK_BYTES: usize = BLOCK;
    const LENGTH_BYTES: usize = 16;
    const START: State = [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ];

    fn one(vector: Vector, state: &mut State, blocks: &[u8]) {
        let blocks = blocks.as_chunks().0;
        match vector.unit {
            vector::Unit::Avx512(unit) => unit.vectorize(One::<_, 8> { unit: Avx512(unit), state, blocks }),
            vector::Unit::Avx2(unit) => unit.vectorize(One::<_, 4> { unit: Avx2(unit), state, blocks }),
        }
    }

    fn side_by_side(vector: Vector, states: &mut [State; LANES], runs: &Runs<'_>) {
        let count = runs.count;
        let blocks = runs.lanes.map(|lane| &lane.as_chunks().0[..count]);
        match vector.unit {
            vector::Unit::Avx512(unit) => {
                unit.vectorize(Lanes { unit: Avx512(unit), states, blocks: &blocks, count });
            }
            vector::Unit::Avx2(unit) => {
                let halves = states.as_chunks_mut::<4>().0.iter_mut().zip(blocks.as_chunks().0);
                for (states, blocks) in halves.take(runs.streams.div_ceil(4)) {
                    unit.vectorize(Lanes { unit: Avx2(unit), states, blocks, count });
                }
            }
        }
    }

    fn few(vector: Vector) -> usize {
        match vector.unit {
            vector::Unit::Avx512(_) => 1,
            // Measured: two alone 450 MiB/s, two of four lanes 390, three of four 580.
            vector::Unit::Avx2(_) => 2,
        }
    }

    fn length(total_bytes: u64) -> [u8; 16] {
        (u128::from(total_bytes) * 8).to_be_bytes()
    }

    fn digest(state: &State) -> Vec<u8> {
        state.iter().flat_map(|word| word.to_be_bytes()).collect()
    }
}

type Block = [u8; BLOCK];

/// The words of a block of each lane.
#[inline(always)]
fn transpose<U: Unit<L>, const L: usize>(unit: U, blocks: [&Block; L]) -> [U::Word; 16] {
    let mut words = [[0_u64; L]; 16];
    for (lane, block) in blocks.iter().enumerate() {
        for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
            word[lane] = u64::from_ne_bytes(*bytes);
        }
    }
    words.map(|word| unit.swap_bytes(unit.join(word)))
}

struct Lanes<'a, U, const L: usize> {
    unit: U,
    states: &'a mut [State; L],
    blocks: &'a [&'a [Block]; L],
    count: usize,
}

impl<U: Unit<L>, const L: usize> NullaryFnOnce for Lanes<'_, U, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { unit, states, blocks, count } = self;
        let mut sums: [U::Word; 8] =
            std::array::from_fn(|word| unit.join(std::array::from_fn(|lane| states[lane][word])));
        for number in 0..count {
            let mut words = transpose(unit, blocks.map(|lane| &lane[number]));
            compress(unit, &mut sums, &mut words);
        }
        let sums = sums.map(|sum| unit.split(sum));
        for (lane, state) in states.iter_mut().enumerate() {
            *state = sums.map(|sum| sum[lane]);
        }
    }
}

#[inline(always)]
fn compress<U: Unit<L>, const L: usize>(unit: U, sums: &mut [U::Word; 8], words: &mut [U::Word; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *sums;
    for (sixteenth, constants) in CONSTANTS.as_chunks::<16>().0.iter().enumerate() {
        if sixteenth > 0 {
            unit::schedule(unit, words);
        }
        macro_rules! step {
            ($a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident, $i:expr) => {
                let turned =
                    unit.parity(unit.turn::<14, 50>($e), unit.turn::<18, 46>($e), unit.turn::<41, 23>($e));
                let word = unit.add(unit.everywhere(constants[$i]), words[$i]);
                let first = unit.add(unit.add(unit.add($h, turned), unit.choose($e, $f, $g)), word);
                let turned =
                    unit.parity(unit.turn::<28, 36>($a), unit.turn::<34, 30>($a), unit.turn::<39, 25>($a));
                $d = unit.add($d, first);
                $h = unit.add(first, unit.add(turned, unit.majority($a, $b, $c)));
            };
        }
        eight_rounds!(step, a, b, c, d, e, f, g, h, 0);
        eight_rounds!(step, a, b, c, d, e, f, g, h, 8);
    }
    for (sum, word) in sums.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *sum = unit.add(*sum, word);
    }
}

/// The first 64 bits of the fractions of the cube roots of the first eighty primes, FIPS 180-4 §4.2.3.
const CONSTANTS: [u64; ROUNDS] = [
    0x428a_2f98_d728_ae22,
    0x7137_4491_23ef_65cd,
    0xb5c0_fbcf_ec4d_3b2f,
    0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538,
    0x59f1_11f1_b605_d019,
    0x923f_82a4_af19_4f9b,
    0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242,
    0x1283_5b01_4570_6fbe,
    0x2431_85be_4ee4_b28c,
    0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f,
    0x80de_b1fe_3b16_96b1,
    0x9bdc_06a7_25c7_1235,
    0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2,
    0xefbe_4786_384f_25e3,
    0x0fc1_9dc6_8b8c_d5b5,
    0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275,
    0x4a74_84aa_6ea6_e483,
    0x5cb0_a9dc_bd41_fbd4,
    0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab,
    0xa831_c66d_2db4_3210,
    0xb003_27c8_98fb_213f,
    0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2,
    0xd5a7_9147_930a_a725,
    0x06ca_6351_e003_826f,
    0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc,
    0x2e1b_2138_5c26_c926,
    0x4d2c_6dfc_5ac4_2aed,
    0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de,
    0x766a_0abb_3c77_b2a8,
    0x81c2_c92e_47ed_aee6,
    0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364,
    0xa81a_664b_bc42_3001,
    0xc24b_8b70_d0f8_9791,
    0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218,
    0xd699_0624_5565_a910,
    0xf40e_3585_5771_202a,
    0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8,
    0x1e37_6c08_5141_ab53,
    0x2748_774c_df8e_eb99,
    0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63,
    0x4ed8_aa4a_e341_8acb,
    0x5b9c_ca4f_7763_e373,
    0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc,
    0x78a5_636f_4317_2f60,
    0x84c8_7814_a1f0_ab72,
    0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28,
    0xa450_6ceb_de82_bde9,
    0xbef9_a3f7_b2c6_7915,
    0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c,
    0xd186_b8c7_21c0_c207,
    0xeada_7dd6_cde0_eb1e,
    0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba,
    0x0a63_7dc5_a2c8_98a6,
    0x113f_9804_bef9_0dae,
    0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84,
    0x32ca_ab7b_40c7_2493,
    0x3c9e_be0a_15c9_bebc,
    0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6,
    0x597f_299c_fc65_7e2a,
    0x5fcb_6fab_3ad6_faec,
    0x6c44_198c_4a47_5817,
];
