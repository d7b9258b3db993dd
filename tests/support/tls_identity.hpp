#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace smlp::testing {

// A key and a certificate it signed itself, for 127.0.0.1: what a server shows, and (as a file) what a client
// may be told to trust.
class TlsIdentity {
 public:
  TlsIdentity() {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    X509* certificate = certificate_.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key.get());
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("smlp test"),
                               -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    add_extension(NID_subject_alt_name, "IP:127.0.0.1");
    add_extension(NID_basic_constraints, "critical,CA:TRUE");
    if (X509_sign(certificate, key.get(), EVP_sha256()) == 0 ||
        SSL_CTX_use_certificate(context_.get(), certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1)
      throw std::runtime_error("cannot make a certificate");
  }

  SSL_CTX* context() const { return context_.get(); }
  void write_certificate(const std::filesystem::path& path) const {
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate_.get());
    std::fclose(file);
  }

 private:
  void add_extension(int id, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  std::unique_ptr<X509, decltype(&X509_free)> certificate_{X509_new(), X509_free};
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
};

}  // namespace smlp::testing
