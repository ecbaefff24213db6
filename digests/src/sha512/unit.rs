//! The operations of FIPS 180-4 §4.1.3 on a word of each of `L` lanes.

use core::arch::x86_64::{__m256i, __m512i};

use pulp::x86::{V3, V4};

pub trait Unit<const L: usize>: Copy {
    type Word: Copy;

    fn join(self, lanes: [u64; L]) -> Self::Word;
    fn split(self, word: Self::Word) -> [u64; L];
    fn add(self, a: Self::Word, b: Self::Word) -> Self::Word;
    fn parity(self, a: Self::Word, b: Self::Word, c: Self::Word) -> Self::Word;
    /// `b` where a bit of `a` is set, `c` elsewhere.
    fn choose(self, a: Self::Word, b: Self::Word, c: Self::Word) -> Self::Word;
    fn majority(self, a: Self::Word, b: Self::Word, c: Self::Word) -> Self::Word;
    /// To the right; both numbers of bits make 64.
    fn turn<const RIGHT: i32, const LEFT: i32>(self, a: Self::Word) -> Self::Word;
    /// To the right by 7.
    fn shift_7(self, a: Self::Word) -> Self::Word;
    /// To the right by 6.
    fn shift_6(self, a: Self::Word) -> Self::Word;
    fn everywhere(self, word: u64) -> Self::Word;
    /// The first byte of each word becomes its last.
    fn swap_bytes(self, a: Self::Word) -> Self::Word;
}

/// The word of the message schedule that follows on these: sixteen, fifteen, seven and two before it.
#[inline(always)]
pub fn next_word<U: Unit<L>, const L: usize>(
    unit: U,
    sixteenth: U::Word,
    fifteenth: U::Word,
    seventh: U::Word,
    second: U::Word,
) -> U::Word {
    let low =
        unit.parity(unit.turn::<1, 63>(fifteenth), unit.turn::<8, 56>(fifteenth), unit.shift_7(fifteenth));
    let high = unit.parity(unit.turn::<19, 45>(second), unit.turn::<61, 3>(second), unit.shift_6(second));
    unit.add(unit.add(sixteenth, low), unit.add(seventh, high))
}

/// The next sixteen words of the message schedule, in the place of the last sixteen.
#[inline(always)]
pub fn schedule<U: Unit<L>, const L: usize>(unit: U, words: &mut [U::Word; 16]) {
    // Written out, so that the words stay in registers.
    macro_rules! next {
        ($($number:expr),*) => {$(
            let (fifteenth, seventh) = (words[($number + 1) % 16], words[($number + 9) % 16]);
            words[$number] = next_word(unit, words[$number], fifteenth, seventh, words[($number + 14) % 16]);
        )*};
    }
    next!(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// Where each byte of sixteen comes from when both of their words are turned around.
const SWAPPED: [u8; 16] = [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8];

/// The constants are truth tables of three bits.
#[derive(Clone, Copy)]
pub struct Avx512(pub V4);

impl Unit<8> for Avx512 {
    type Word = __m512i;

    #[inline(always)]
    fn join(self, lanes: [u64; 8]) -> __m512i {
        pulp::cast(lanes)
    }

    #[inline(always)]
    fn split(self, word: __m512i) -> [u64; 8] {
        pulp::cast(word)
    }

    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i) -> __m512i {
        self.0.avx512f._mm512_add_epi64(a, b)
    }

    #[inline(always)]
    fn parity(self, a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        self.0.avx512f._mm512_ternarylogic_epi64::<0x96>(a, b, c)
    }

    #[inline(always)]
    fn choose(self, a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        self.0.avx512f._mm512_ternarylogic_epi64::<0xca>(a, b, c)
    }

    #[inline(always)]
    fn majority(self, a: __m512i, b: __m512i, c: __m512i) -> __m512i {
        self.0.avx512f._mm512_ternarylogic_epi64::<0xe8>(a, b, c)
    }

    #[inline(always)]
    fn turn<const RIGHT: i32, const LEFT: i32>(self, a: __m512i) -> __m512i {
        self.0.avx512f._mm512_ror_epi64::<RIGHT>(a)
    }

    #[inline(always)]
    fn shift_7(self, a: __m512i) -> __m512i {
        self.0.avx512f._mm512_srli_epi64::<7>(a)
    }

    #[inline(always)]
    fn shift_6(self, a: __m512i) -> __m512i {
        self.0.avx512f._mm512_srli_epi64::<6>(a)
    }

    #[inline(always)]
    fn swap_bytes(self, a: __m512i) -> __m512i {
        self.0.avx512bw._mm512_shuffle_epi8(a, pulp::cast([SWAPPED; 4]))
    }

    #[inline(always)]
    fn everywhere(self, word: u64) -> __m512i {
        self.0.avx512f._mm512_set1_epi64(word.cast_signed())
    }
}

#[derive(Clone, Copy)]
pub struct Avx2(pub V3);

impl Unit<4> for Avx2 {
    type Word = __m256i;

    #[inline(always)]
    fn join(self, lanes: [u64; 4]) -> __m256i {
        pulp::cast(lanes)
    }

    #[inline(always)]
    fn split(self, word: __m256i) -> [u64; 4] {
        pulp::cast(word)
    }

    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        self.0.avx2._mm256_add_epi64(a, b)
    }

    #[inline(always)]
    fn parity(self, a: __m256i, b: __m256i, c: __m256i) -> __m256i {
        self.0.avx2._mm256_xor_si256(self.0.avx2._mm256_xor_si256(a, b), c)
    }

    #[inline(always)]
    fn choose(self, a: __m256i, b: __m256i, c: __m256i) -> __m256i {
        let unit = self.0.avx2;
        unit._mm256_xor_si256(c, unit._mm256_and_si256(a, unit._mm256_xor_si256(b, c)))
    }

    #[inline(always)]
    fn majority(self, a: __m256i, b: __m256i, c: __m256i) -> __m256i {
        let unit = self.0.avx2;
        let (one, other) = (unit._mm256_xor_si256(a, b), unit._mm256_xor_si256(b, c));
        unit._mm256_xor_si256(b, unit._mm256_and_si256(one, other))
    }

    #[inline(always)]
    fn turn<const RIGHT: i32, const LEFT: i32>(self, a: __m256i) -> __m256i {
        let unit = self.0.avx2;
        unit._mm256_or_si256(unit._mm256_srli_epi64::<RIGHT>(a), unit._mm256_slli_epi64::<LEFT>(a))
    }

    #[inline(always)]
    fn shift_7(self, a: __m256i) -> __m256i {
        self.0.avx2._mm256_srli_epi64::<7>(a)
    }

    #[inline(always)]
    fn shift_6(self, a: __m256i) -> __m256i {
        self.0.avx2._mm256_srli_epi64::<6>(a)
    }

    #[inline(always)]
    fn swap_bytes(self, a: __m256i) -> __m256i {
        self.0.avx2._mm256_shuffle_epi8(a, pulp::cast([SWAPPED; 2]))
    }

    #[inline(always)]
    fn everywhere(self, word: u64) -> __m256i {
        self.0.avx._mm256_set1_epi64x(word.cast_signed())
    }
}
