//! The vector unit, and what an algorithm does with it.

#[cfg(all(target_arch = "x86_64", unix))]
use pulp::x86::{V3, V4};

/// Streams that are computed at once.
pub const LANES: usize = 8;

/// Proof that this processor has a vector unit that the kernels are written for.
#[derive(Debug, Clone, Copy)]
pub struct Vector {
    #[cfg(all(target_arch = "x86_64", unix))]
    pub(crate) unit: Unit,
    /// Elsewhere there is none, and no value of this type.
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    pub(crate) never: std::convert::Infallible,
}

#[cfg(all(target_arch = "x86_64", unix))]
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    /// As of Skylake-X and Zen 4.
    Avx512(V4),
    /// As of Haswell and Zen.
    Avx2(V3),
}

impl Vector {
    /// The best that there is; `None` where the processor has none.
    pub fn detect() -> Option<Self> {
        Self::each().next()
    }

    /// Every unit that the processor has, the best first.
    #[cfg(all(target_arch = "x86_64", unix))]
    pub fn each() -> impl Iterator<Item = Self> {
        let units = [V4::try_new().map(Unit::Avx512), V3::try_new().map(Unit::Avx2)];
        units.into_iter().flatten().map(|unit| Self { unit })
    }

    #[cfg(not(all(target_arch = "x86_64", unix)))]
    pub fn each() -> impl Iterator<Item = Self> {
        std::iter::empty()
    }
}

/// Blocks of several streams.
#[derive(Debug, Clone, Copy)]
pub struct Runs<'a> {
    /// At least `count` blocks in every lane.
    pub lanes: [&'a [u8]; LANES],
    pub count: usize,
    /// So many lanes have a stream, the first ones.
    pub streams: usize,
}

/// A digest of the Merkle-Damgård construction: a state, and a function that takes it over one block.
pub trait Algorithm: Sized + Send + 'static {
    type State: Copy + std::fmt::Debug + Send + 'static;
    /// Not above [`crate::stream::BLOCK_BYTES_MAX`].
    const BLOCK_BYTES: usize;
    /// Bytes at the end of the last block that hold the length of the stream.
    const LENGTH_BYTES: usize;
    const START: Self::State;

    /// Takes one stream over whole blocks.
    fn one(vector: Vector, state: &mut Self::State, blocks: &[u8]);

    /// Takes several streams over their runs. What becomes of the states of lanes without a stream is left open.
    fn side_by_side(vector: Vector, states: &mut [Self::State; LANES], runs: &Runs<'_>);

    /// Up to so many streams are done sooner one after the other than side by side.
    fn few(vector: Vector) -> usize;

    /// The length of a stream as the last block ends with it: [`Self::LENGTH_BYTES`] of the result, from its start.
    fn length(total_bytes: u64) -> [u8; 16];

    fn digest(state: &Self::State) -> Vec<u8>;
}
