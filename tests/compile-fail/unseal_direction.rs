// SPDX-License-Identifier: GPL-2.0

//! Breaking the seal of directions.

struct Sideways;

impl sgdma::base::direction::private::Sealed for Sideways {}
