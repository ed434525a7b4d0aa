variable "name" {
  description = "The repository's name."
  type        = string
}

variable "kms_key_arn" {
  description = "The key that images are encrypted with."
  type        = string
}

variable "images_kept" {
  description = "How many images are kept. A version can be rolled back to as long as its image is there."
  type        = number
  default     = 50

  validation {
    condition     = var.images_kept >= 10 && floor(var.images_kept) == var.images_kept
    error_message = "images_kept must be a whole number, at least 10: an image that runs must never be among those that expire."
  }
}

variable "protected" {
  description = "Whether Terraform refuses to destroy a repository that has images."
  type        = bool
}
