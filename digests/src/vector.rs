//! The vector unit, and what an algorithm does with it.

/// Streams that are computed at once.
pub const LANES: usize = 8;

/// Proof that this processor has the vector unit that the kernels are written for: AVX-512 as of Skylake-X.
#[derive(Debug, Clone, Copy)]
pub struct Vector {
    #[cfg(all(target_arch = "x86_64", unix))]
    pub(crate) unit: pulp::x86::V4,
    /// Elsewhere there is none, and no value of this type.
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    pub(crate) never: std::convert::Infallible,
}

impl Vector {
    /// `None` where the processor lacks it.
    pub fn detect() -> Option<Self> {
        #[cfg(all(target_arch = "x86_64", unix))]
        {
            Some(Self { unit: pulp::x86::V4::try_new()? })
        }
        #[cfg(not(all(target_arch = "x86_64", unix)))]
        {
            None
        }
    }
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

    /// Takes eight streams over the first `count` blocks of each.
    fn eight(vector: Vector, states: &mut [Self::State; LANES], blocks: [&[u8]; LANES], count: usize);

    /// The length of a stream as the last block ends with it: [`Self::LENGTH_BYTES`] of the result, from its start.
    fn length(total_bytes: u64) -> [u8; 16];

    fn digest(state: &Self::State) -> Vec<u8>;
}
