//! MD5 (RFC 1321), eight streams at once. One alone is left to the assembler of `md5-asm`, which no vector beats.
#![expect(clippy::inline_always, reason = "only what is inlined is compiled for the vector unit")]

use core::arch::x86_64::__m256i;

use pulp::NullaryFnOnce;

use crate::vector::{self, Algorithm, LANES, Runs, Vector};
use unit::{Avx2, Avx512, Unit};

mod unit;

#[derive(Debug, Clone, Copy)]
pub struct Md5;

const BLOCK: usize = 64;
type State = [u32; 4];

impl Algorithm for Md5 {
    type State = State;
    const BLOCK_BYTES: usize = BLOCK;
    const LENGTH_BYTES: usize = 8;
    const START: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

    fn one(_: Vector, state: &mut State, blocks: &[u8]) {
        md5_asm::compress(state, blocks.as_chunks().0);
    }

    fn side_by_side(vector: Vector, states: &mut [State; LANES], runs: &Runs<'_>) {
        let count = runs.count;
        let blocks = runs.lanes.map(|lane| &lane.as_chunks().0[..count]);
        match vector.unit {
            vector::Unit::Avx512(unit) => {
                unit.vectorize(Eight { unit: Avx512(unit), states, blocks, count });
            }
            vector::Unit::Avx2(unit) => unit.vectorize(Eight { unit: Avx2(unit), states, blocks, count }),
        }
    }

    fn few(_: Vector) -> usize {
        1
    }

    fn length(total_bytes: u64) -> [u8; 16] {
        let bits = u128::from(total_bytes.wrapping_mul(8));
        bits.to_le_bytes()
    }

    fn digest(state: &State) -> Vec<u8> {
        state.iter().flat_map(|word| word.to_le_bytes()).collect()
    }
}

type Block = [u8; BLOCK];

struct Eight<'a, U> {
    unit: U,
    states: &'a mut [State; LANES],
    blocks: [&'a [Block]; LANES],
    count: usize,
}

impl<U: Unit> NullaryFnOnce for Eight<'_, U> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { unit, states, blocks, count } = self;
        let mut sums: [__m256i; 4] =
            std::array::from_fn(|word| pulp::cast::<[u32; LANES], _>(states.map(|state| state[word])));
        for number in 0..count {
            let words = transpose(blocks.map(|lane| &lane[number]));
            compress(unit, &mut sums, &words);
        }
        let sums: [[u32; LANES]; 4] = sums.map(pulp::cast);
        for (lane, state) in states.iter_mut().enumerate() {
            *state = sums.map(|sum| sum[lane]);
        }
    }
}

/// The sixteen words of a block of each lane.
#[inline(always)]
fn transpose(blocks: [&Block; LANES]) -> [__m256i; 16] {
    let mut words = [[0_u32; LANES]; 16];
    for (lane, block) in blocks.iter().enumerate() {
        for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
            word[lane] = u32::from_le_bytes(*bytes);
        }
    }
    words.map(pulp::cast)
}

#[inline(always)]
fn compress(unit: impl Unit, sums: &mut [__m256i; 4], words: &[__m256i; 16]) {
    let [mut a, mut b, mut c, mut d] = *sums;
    macro_rules! step {
        ($mix:ident, $a:ident, $b:ident, $c:ident, $d:ident, $word:expr, $turn:expr, $number:expr) => {
            let constant = unit.add(words[$word % 16], unit.everywhere(SINES[$number]));
            let sum = unit.add(unit.add($a, constant), unit.$mix($b, $c, $d));
            $a = unit.add($b, unit.turn::<{ $turn }, { 32 - $turn }>(sum));
        };
    }
    // The number of the round, its first word, the distance to the next word, and the four turns.
    macro_rules! round {
        ($mix:ident, $round:expr, $first:expr, $next:expr, $turns:tt) => {
            round!($mix, $round, $first, $next, $turns, 0);
            round!($mix, $round, $first, $next, $turns, 4);
            round!($mix, $round, $first, $next, $turns, 8);
            round!($mix, $round, $first, $next, $turns, 12);
        };
        ($mix:ident, $round:expr, $first:expr, $next:expr, [$t0:expr, $t1:expr, $t2:expr, $t3:expr], $i:expr) => {
            step!($mix, a, b, c, d, $first + $next * $i, $t0, $round * 16 + $i);
            step!($mix, d, a, b, c, $first + $next * ($i + 1), $t1, $round * 16 + $i + 1);
            step!($mix, c, d, a, b, $first + $next * ($i + 2), $t2, $round * 16 + $i + 2);
            step!($mix, b, c, d, a, $first + $next * ($i + 3), $t3, $round * 16 + $i + 3);
        };
    }
    round!(choose, 0, 0, 1, [7, 12, 17, 22]);
    round!(choose_by_last, 1, 1, 5, [5, 9, 14, 20]);
    round!(parity, 2, 5, 3, [4, 11, 16, 23]);
    round!(odd, 3, 0, 7, [6, 10, 15, 21]);
    for (sum, word) in sums.iter_mut().zip([a, b, c, d]) {
        *sum = unit.add(*sum, word);
    }
}

/// `floor(2^32 × |sin(i + 1)|)`, RFC 1321 §3.4.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];
