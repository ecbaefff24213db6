//! Where there is no vector unit that we know: the names, for a [`Vector`] that nobody can have.

use crate::vector::{Algorithm, LANES, Runs, Vector};

macro_rules! nowhere {
    ($name:ident) => {
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Algorithm for $name {
            type State = u8;
            const BLOCK_BYTES: usize = 1;
            const LENGTH_BYTES: usize = 0;
            const START: u8 = 0;

            fn one(vector: Vector, _: &mut u8, _: &[u8]) {
                match vector.never {}
            }

            fn side_by_side(vector: Vector, _: &mut [u8; LANES], _: &Runs<'_>) {
                match vector.never {}
            }

            fn few(vector: Vector) -> usize {
                match vector.never {}
            }

            fn length(_: u64) -> [u8; 16] {
                [0; 16]
            }

            fn digest(_: &u8) -> Vec<u8> {
                Vec::new()
            }
        }
    };
}

nowhere!(Md5);
nowhere!(Sha512);
