//! The operations of RFC 1321 §3.4 on a word of each lane.

use core::arch::x86_64::__m256i;

use pulp::x86::{V3, V4};

pub trait Unit: Copy {
    fn add(self, a: __m256i, b: __m256i) -> __m256i;
    /// `y` where a bit of `x` is set, `z` elsewhere.
    fn choose(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i;
    fn parity(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i;
    /// `y ⊕ (x ∨ ¬z)`
    fn odd(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i;
    /// To the left; both numbers of bits make 32.
    fn turn<const LEFT: i32, const RIGHT: i32>(self, a: __m256i) -> __m256i;
    fn everywhere(self, word: u32) -> __m256i;

    #[inline(always)]
    fn choose_by_last(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.choose(z, x, y)
    }
}

/// The constants are truth tables of three bits.
#[derive(Clone, Copy)]
pub struct Avx512(pub V4);

impl Unit for Avx512 {
    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        self.0.avx2._mm256_add_epi32(a, b)
    }

    #[inline(always)]
    fn choose(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.0.avx512vl._mm256_ternarylogic_epi32::<0xca>(x, y, z)
    }

    #[inline(always)]
    fn parity(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.0.avx512vl._mm256_ternarylogic_epi32::<0x96>(x, y, z)
    }

    #[inline(always)]
    fn odd(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.0.avx512vl._mm256_ternarylogic_epi32::<0x39>(x, y, z)
    }

    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self, a: __m256i) -> __m256i {
        self.0.avx512vl._mm256_rol_epi32::<LEFT>(a)
    }

    #[inline(always)]
    fn everywhere(self, word: u32) -> __m256i {
        self.0.avx._mm256_set1_epi32(word.cast_signed())
    }
}

#[derive(Clone, Copy)]
pub struct Avx2(pub V3);

impl Unit for Avx2 {
    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        self.0.avx2._mm256_add_epi32(a, b)
    }

    #[inline(always)]
    fn choose(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        let unit = self.0.avx2;
        unit._mm256_xor_si256(z, unit._mm256_and_si256(x, unit._mm256_xor_si256(y, z)))
    }

    #[inline(always)]
    fn parity(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        // The newest word comes last: the others are ready before it.
        self.0.avx2._mm256_xor_si256(x, self.0.avx2._mm256_xor_si256(y, z))
    }

    #[inline(always)]
    fn odd(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        let unit = self.0.avx2;
        let not_z = unit._mm256_xor_si256(z, self.everywhere(u32::MAX));
        unit._mm256_xor_si256(y, unit._mm256_or_si256(x, not_z))
    }

    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self, a: __m256i) -> __m256i {
        let unit = self.0.avx2;
        unit._mm256_or_si256(unit._mm256_slli_epi32::<LEFT>(a), unit._mm256_srli_epi32::<RIGHT>(a))
    }

    #[inline(always)]
    fn everywhere(self, word: u32) -> __m256i {
        self.0.avx._mm256_set1_epi32(word.cast_signed())
    }
}
