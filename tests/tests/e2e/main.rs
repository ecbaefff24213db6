//! End to end: real clients, real peers, real disk images, a real window. Names are sentences.
#![expect(clippy::expect_used, reason = "a test ends where it cannot go on")]

mod real_peers;
