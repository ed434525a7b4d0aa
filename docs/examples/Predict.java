import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Asks for a prediction within a budget. Java 17 or newer, without libraries.
 *
 * <p>A new JVM takes longer than 200 ms for its first call. Make one when your server starts.
 */
public final class Predict {
    private static final Duration RECONNECT_PAUSE = Duration.ofMillis(20);
    private static final int OK = 200;

    // One for the whole process: it keeps connections open.
    private final HttpClient http = HttpClient.newHttpClient();
    private final URI address;
    private final Duration budget;
    private final Optional<String> apiKey;

    /** The key is the one of the service, if it asks for one. */
    public Predict(String service, Duration budget, Optional<String> apiKey) {
        address = URI.create(service + "/predict");
        this.budget = budget;
        this.apiKey = apiKey;
    }

    /** Returns the answer as JSON; nothing if there is none in time: the page is then shown without a banner. */
    public Optional<String> ask(String subscriberJson, String subscriberKey) throws InterruptedException {
        Instant deadline = Instant.now().plus(budget);
        String requestId = UUID.randomUUID().toString(); // the same for both calls, so that they count as one
        try {
            return send(subscriberJson, subscriberKey, deadline, requestId, 1);
        } catch (ConnectException noConnection) { // the service may be restarting
            Thread.sleep(RECONNECT_PAUSE.toMillis());
        } catch (IOException broken) { // another connection may hold
        }
        try {
            return send(subscriberJson, subscriberKey, deadline, requestId, 2);
        } catch (IOException again) {
            return Optional.empty();
        }
    }

    private Optional<String> send(
            String subscriberJson, String subscriberKey, Instant deadline, String requestId, int attempt)
            throws IOException, InterruptedException {
        Duration left = Duration.between(Instant.now(), deadline);
        if (left.isNegative() || left.isZero()) {
            return Optional.empty();
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(address)
                .header("Content-Type", "application/json")
                .header("X-Subscriber-Key", subscriberKey)
                .header("X-Request-ID", requestId)
                .header("X-Attempt", Integer.toString(attempt))
                .POST(HttpRequest.BodyPublishers.ofString(subscriberJson));
        apiKey.ifPresent(key -> request.header("Authorization", "Bearer " + key));
        // HttpRequest's own timeout ends with the headers; this one covers the body too.
        CompletableFuture<HttpResponse<String>> call = http.sendAsync(request.build(), BodyHandlers.ofString());
        try {
            HttpResponse<String> response = call.get(left.toNanos(), TimeUnit.NANOSECONDS);
            // 4xx too: asked again, it would be refused again.
            return response.statusCode() == OK ? Optional.of(response.body()) : Optional.empty();
        } catch (TimeoutException late) {
            call.cancel(true);
            return Optional.empty();
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IllegalStateException(failed.getCause());
        }
    }

    /** Usage: [CHURN_API_KEY=KEY] java Predict.java ADDRESS SUBSCRIBER_KEY [BUDGET_MS] < subscriber.json. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        String subscriber = new String(System.in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        Duration budget = Duration.ofMillis(arguments.length > 2 ? Long.parseLong(arguments[2]) : 200);
        Optional<String> apiKey = Optional.ofNullable(System.getenv("CHURN_API_KEY"));
        Optional<String> answer = new Predict(arguments[0], budget, apiKey).ask(subscriber, arguments[1]);
        answer.ifPresent(System.out::println);
        System.exit(answer.isPresent() ? 0 : 1);
    }
}
