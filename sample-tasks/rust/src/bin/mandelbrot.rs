//! `mandelbrot WIDTH HEIGHT FILE`: draws the Mandelbrot set as a PNG.
//!
//! It computes and writes a row at a time, so a large picture takes time but no memory. The pixels
//! are indices into a palette, stored uncompressed: that needs no library and is as good a PNG.

use std::env::args;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

const SIDE_MAX: u32 = 10_000;

/// Steps after which a point counts as one of the set.
const STEPS_MAX: u32 = 1_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    let [width, height, file] = arguments.as_slice() else {
        eprintln!("usage: mandelbrot WIDTH HEIGHT FILE");
        return ExitCode::FAILURE;
    };
    let (Some(width), Some(height)) = (parse_side(width), parse_side(height)) else {
        eprintln!("mandelbrot: WIDTH and HEIGHT must be whole numbers from 1 to {SIDE_MAX}");
        return ExitCode::FAILURE;
    };
    let picture = Picture { width, height };
    match File::create(file).and_then(|out| picture.write_png(BufWriter::new(out))) {
        Ok(()) => {
            println!("{file}: {width} x {height}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mandelbrot: cannot write {file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse_side(text: &str) -> Option<u32> {
    text.parse()
        .ok()
        .filter(|side| (1..=SIDE_MAX).contains(side))
}

struct Picture {
    width: u32,
    height: u32,
}

impl Picture {
    /// Source: the PNG specification (third edition), chapters 5, 10 and 11.
    fn write_png(&self, mut out: impl Write) -> io::Result<()> {
        out.write_all(b"\x89PNG\r\n\x1a\n")?;
        let mut header = Vec::new();
        header.extend(self.width.to_be_bytes());
        header.extend(self.height.to_be_bytes());
        // 8 bits a pixel, an index into the palette; the only compression and filter; no interlace.
        header.extend([8, 3, 0, 0, 0]);
        write_chunk(&mut out, b"IHDR", &header)?;
        write_chunk(&mut out, b"PLTE", palette().as_flattened())?;
        // A zlib stream across the IDAT chunks: its head, a stored block for each row, its sum.
        write_chunk(&mut out, b"IDAT", &[0x78, 0x01])?;
        let mut sum = Adler32::new();
        for y in 0..self.height {
            let row = self.row(y);
            sum.add(&row);
            write_chunk(&mut out, b"IDAT", &stored_block(&row, y + 1 == self.height))?;
        }
        write_chunk(&mut out, b"IDAT", &sum.value().to_be_bytes())?;
        write_chunk(&mut out, b"IEND", &[])?;
        out.flush()
    }

    /// A row as PNG wants it: the number of its filter (none), then its pixels.
    fn row(&self, y: u32) -> Vec<u8> {
        // The whole set is within 3.2 by 2.4, and a pixel is a square.
        let scale = (3.2 / f64::from(self.width)).max(2.4 / f64::from(self.height));
        let imaginary = (f64::from(y) + 0.5 - f64::from(self.height) / 2.0) * scale;
        let pixel = |x| {
            let real = (f64::from(x) + 0.5 - f64::from(self.width) / 2.0) * scale - 0.65;
            colour(real, imaginary)
        };
        std::iter::once(0)
            .chain((0..self.width).map(pixel))
            .collect()
    }
}

/// The palette's index for the point: 0 in the set, outside by how fast the point escapes.
fn colour(real: f64, imaginary: f64) -> u8 {
    let (mut x, mut y) = (0.0, 0.0);
    for step in 0..STEPS_MAX {
        let (x_squared, y_squared) = (x * x, y * y);
        let square = x_squared + y_squared;
        // Far beyond the radius of 2 that decides, the fraction of a step below is smooth.
        if square > 65_536.0 {
            let steps = f64::from(step) + 5.0 - f64::log2(f64::log2(square));
            return 1 + ((steps.max(0.0) * 8.0) as u64 % 255) as u8;
        }
        y = 2.0 * x * y + imaginary;
        x = x_squared - y_squared + real;
    }
    0
}

/// Black for the set; then a cycle from blue by white and gold to dark and back.
fn palette() -> [[u8; 3]; 256] {
    const STOPS: [[f64; 3]; 6] = [
        [0.0, 7.0, 100.0],
        [32.0, 107.0, 203.0],
        [237.0, 255.0, 255.0],
        [255.0, 170.0, 0.0],
        [60.0, 20.0, 0.0],
        [0.0, 7.0, 100.0],
    ];
    let mut colours = [[0; 3]; 256];
    for (index, colour) in colours.iter_mut().skip(1).enumerate() {
        let position = index as f64 / 255.0 * (STOPS.len() - 1) as f64;
        let stop = position as usize;
        for (channel, value) in colour.iter_mut().enumerate() {
            let (from, to) = (STOPS[stop][channel], STOPS[stop + 1][channel]);
            *value = (from + (to - from) * position.fract()) as u8;
        }
    }
    colours
}

fn write_chunk(out: &mut impl Write, name: &[u8; 4], data: &[u8]) -> io::Result<()> {
    out.write_all(&(data.len() as u32).to_be_bytes())?;
    out.write_all(name)?;
    out.write_all(data)?;
    out.write_all(&crc32(name.iter().chain(data)).to_be_bytes())
}

/// Source: RFC 1951, 3.2.4. A row is shorter than the 65,535 bytes a block may hold.
fn stored_block(data: &[u8], is_last: bool) -> Vec<u8> {
    const _: () = assert!(SIDE_MAX < u16::MAX as u32);
    let length = data.len() as u16;
    let mut block = vec![u8::from(is_last)];
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend(data);
    block
}

/// Source: the PNG specification, annex D, bit by bit instead of by a table.
fn crc32<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 {
                0xedb8_8320 ^ (crc >> 1)
            } else {
                crc >> 1
            }
        })
    })
}

/// Source: RFC 1950, 8.2.
struct Adler32 {
    low: u32,
    high: u32,
}

impl Adler32 {
    const MODULUS: u32 = 65_521;

    fn new() -> Self {
        Self { low: 1, high: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.low = (self.low + u32::from(byte)) % Self::MODULUS;
            self.high = (self.high + self.low) % Self::MODULUS;
        }
    }

    fn value(&self) -> u32 {
        (self.high << 16) | self.low
    }
}
